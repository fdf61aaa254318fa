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

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  /** A press on a button such as `data-type="x"` sets the `type` of the state, if that is one of `names`. */
  const choose = (root, state, names, changed) => {
    root.addEventListener("click", (event) => {
      const button = event.target.closest(names.map((name) => `[data-${name}]`).join());
      if (!button) return;
      phoque.press(button);
      for (const name of names) if (name in button.dataset) state[name] = button.dataset[name];
      changed();
    });
  };

  // Gradio puts sections in and replaces them; each is drawn once, when it is there.
  const mount = () => {
    for (const root of document.querySelectorAll("[data-draw]:not([data-ready])")) {
      root.dataset.ready = "";
      drawers[root.dataset.draw](root, JSON.parse(root.querySelector(".ph-data").textContent));
      phoque.marked();
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".ph-csv, .ph-cell");
    if (button?.matches(".ph-csv")) phoque.download(button.dataset.csv, button.dataset.name, "text/csv");
    else if (button) phoque.press(button);
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

  Object.assign(window.phoque, { choose, drawers, percent, svg });
})();
