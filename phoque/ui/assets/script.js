// What the page does without asking the server. Replies start hidden at every load.
(() => {
  const announce = (text) => {
    document.querySelector(".ph-status").textContent = text;
  };

  // Gradio's buttons cannot carry this attribute from Python.
  const start = () => {
    const revealed = document.body.classList.contains("ph-revealed");
    for (const button of document.querySelectorAll("#ph-reveal, .ph-reveal-toggle")) {
      button.setAttribute("aria-pressed", String(revealed));
      button.textContent = revealed ? "Hide replies" : "Reveal replies";
    }
  };

  const toggleReveal = () => {
    document.body.classList.toggle("ph-revealed");
    start();
  };

  const download = (text, name = "phoque.json", type = "application/json") => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
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
    if (event.target.closest(".ph-reveal-toggle")) toggleReveal();
  });

  window.phoque = { start, toggleReveal, download, copyLink };
})();
