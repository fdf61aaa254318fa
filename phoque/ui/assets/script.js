// What the page does without asking the server. Replies start hidden at every load.
(() => {
  const announce = (text) => {
    const status = document.querySelector(".ph-status");
    if (status) status.textContent = text;
  };

  const toggleReveal = () => {
    const revealed = document.body.classList.toggle("ph-revealed");
    const button = document.querySelector("#ph-reveal");
    button.textContent = revealed ? "Hide replies" : "Reveal replies";
    button.setAttribute("aria-pressed", String(revealed));
  };

  const download = (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    const link = Object.assign(document.createElement("a"), { href: url, download: "phoque.json" });
    link.click();
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

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".ph-copy");
    if (!button) return;
    const log = button.closest(".column, .gr-column, [id^=ph-column]").querySelector(".ph-log");
    const replies = [...log.querySelectorAll(".ph-real")].map((reply) => reply.textContent);
    copy(replies.join("\n\n"), "Column copied.");
  });

  window.phoque = { toggleReveal, download, copyLink };
})();
