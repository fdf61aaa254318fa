// What the page does without asking the server. Replies start hidden at every load.
(() => {
  const announce = (text) => {
    document.querySelector(".ph-status").textContent = text;
  };

  // Gradio's buttons cannot carry this attribute from Python.
  const showPressed = (pressed) => {
    const button = document.querySelector("#ph-reveal");
    button.setAttribute("aria-pressed", String(pressed));
    return button;
  };

  const start = () => showPressed(document.body.classList.contains("ph-revealed"));

  const toggleReveal = () => {
    const revealed = document.body.classList.toggle("ph-revealed");
    showPressed(revealed).textContent = revealed ? "Hide replies" : "Reveal replies";
  };

  const download = (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: "phoque.json" }).click();
    URL.revokeObjectURL(url);
  };

  const copy = async (text, said) => {
    try {
      await navigator.clipboard.writeText(text);
      announce(said);
    } catch {
      announce("The browser refused access to the clipboard.");
    }
  };

  const copyLink = (values) => {
    const query = new URLSearchParams(values);
    return copy(`${location.origin}${location.pathname}?${query}`, "Link copied.");
  };

  const copyColumn = (button) => {
    const lines = button.closest(".ph-column").querySelectorAll(".ph-you, .ph-real");
    return copy([...lines].map((line) => line.textContent).join("\n\n"), "Column copied.");
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".ph-copy");
    if (button) copyColumn(button);
  });

  window.phoque = { start, toggleReveal, download, copyLink };
})();
