// Sections that need no server: what is embedded in the page is drawn here.
(() => {
  const drawers = {};
  const NS = "http://www.w3.org/2000/svg";

  /** Create an SVG element. */
  const svg = (name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  /** Create an element with text; nothing is ever read as markup. */
  const element = (name, className, text = "") =>
    Object.assign(document.createElement(name), { className, textContent: text });

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const masked = (text) => text.replace(/\S/g, "•");

  /** Mark one button of a group as pressed. */
  const press = (button) => {
    for (const other of button.closest(".ph-group, table").querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };

  // Gradio puts sections in and replaces them; each is drawn once, when it is there.
  const mount = () => {
    for (const root of document.querySelectorAll("[data-draw]:not([data-ready])")) {
      root.dataset.ready = "";
      drawers[root.dataset.draw](root, JSON.parse(root.querySelector(".ph-data").textContent));
      phoque.marked();
    }
  };

  const saveTable = (button) => {
    phoque.download(button.dataset.csv, button.dataset.name, "text/csv");
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".ph-csv, .ph-cell");
    if (button?.matches(".ph-csv")) saveTable(button);
    else if (button) press(button);
  });

  let asked = false;
  const later = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      mount();
    });
  };
  new MutationObserver(later).observe(document, { childList: true, subtree: true });

  window.phoqueSections = { drawers, element, masked, percent, press, svg };
})();
