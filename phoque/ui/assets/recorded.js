// Recorded comparisons: shown at once, without the server. Every text goes in as text, never as markup.
(() => {
  const { element, press, secret } = window.phoque;
  const RELEASE_MS = 350; // keys come one by one: the model is asked when they pause
  const MOVED = ["steered", "random_vector"];
  const places = new Map(); // of a panel: its data, the example and the scale that are shown

  const panelOf = (number) => document.getElementById(`ph-panel-${number}`);
  const numberOf = (panel) => Number(panel.id.split("-").pop());

  const place = (number) => {
    if (!places.has(number)) {
      const data = panelOf(number)?.querySelector(".ph-recordings .ph-data");
      if (!data) return null;
      const scale = Number(panelOf(number).querySelector(".ph-scale input[type=range]").value);
      const found = JSON.parse(data.textContent);
      places.set(number, { ...found, example: found.opens, scale });
    }
    return places.get(number);
  };

  const checks = (list) => {
    const shown = element("ul", "ph-checks");
    for (const [name, flagged, words, title] of list) {
      const line = element("li", flagged ? "ph-flag" : "ph-pass", "", { title });
      line.append(element("span", "", name), " ", element("b", "", words));
      shown.append(line);
    }
    return shown;
  };

  const facts = (reply, scale) => {
    const footer = element("footer", "", reply.facts + scale);
    if (reply.listed) footer.append(" · ", element("strong", "ph-badge", reply.listed));
    return footer;
  };

  const replyOf = (reply, scale) => {
    const shown = element("div", "ph-reply");
    const [real, ...hidden] = secret(reply.pieces.map(([text]) => text).join(""), "Reply");
    real.replaceChildren(...reply.pieces.map(([text, listed]) => (listed ? element("mark", "", text) : text)));
    shown.append(real, ...hidden, facts(reply, scale), checks(reply.checks));
    return shown;
  };

  const nearest = (scales, wanted) =>
    scales.reduce((best, one, at) =>
      Math.abs(one - wanted) < Math.abs(scales[best] - wanted) ? at : best, 0);

  /** What was read word by word is shown until one of the texts changes. */
  const read = (number) => {
    panelOf(number).dataset.read = "";
  };
  const unread = (number) => delete panelOf(number).dataset.read;

  /** The places of the recorded comparison that is shown; empty where replies are live. */
  const which = (number) => {
    const found = panelOf(number).dataset.mode === "recorded" && place(number);
    return found ? `${found.example} ${nearest(found.scales, found.scale)}` : "";
  };

  const draw = (number, columns) => {
    unread(number);
    const { scales, example, examples, scale } = place(number);
    const at = nearest(scales, scale);
    for (const column of panelOf(number).querySelectorAll(".ph-recorded")) {
      const name = column.dataset.column;
      if (columns && !columns.includes(name)) continue;
      const own = examples[example].columns[name];
      const moved = MOVED.includes(name);
      const told = moved ? ` · at scale ${scales[at].toFixed(2)}` : "";
      const shown = element("div");
      shown.append(replyOf(own[moved ? at : 0], told));
      column.replaceChildren(shown);
    }
  };

  // The comparison of an example; without one, that which was shown last.
  const show = (number, example) => {
    const found = place(number);
    if (!found) return;
    found.example = example ?? found.example;
    const which = panelOf(number).querySelector(".ph-which");
    which.querySelector("q").textContent = found.examples[found.example].prompt;
    which.querySelector(".ph-hint").textContent = `seed ${found.seed}, layer ${found.layer}`;
    draw(number);
    panelOf(number).dataset.mode = "recorded";
    const chips = panelOf(number).querySelectorAll(".ph-chips button");
    chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(at === found.example)));
    const chosen = chips[found.example], row = chosen.closest(".ph-chips"); // one line on a phone
    row.scrollLeft = chosen.offsetLeft - row.offsetLeft - (row.clientWidth - chosen.offsetWidth) / 2;
  };

  const talks = (number) => panelOf(number).querySelector(".ph-now .ph-you") !== null;

  const live = (number) => {
    unread(number);
    panelOf(number).dataset.mode = "live";
    const pressed = panelOf(number).querySelectorAll(".ph-chips [aria-pressed]");
    for (const chip of pressed) chip.removeAttribute("aria-pressed");
    fresh(number);
  };
  const talk = (number) => {
    if (talks(number)) live(number);
  };
  const prompt = (number) => place(number).examples[place(number).example].prompt;

  /** The message whose replies are shown. */
  const said = (number) => {
    const panel = panelOf(number);
    if (panel.dataset.mode === "recorded") return prompt(number);
    const asked = [...panel.querySelectorAll(".ph-col-neutral .ph-now .ph-you")];
    return asked.at(-1)?.lastChild.textContent ?? "";
  };

  const fresh = (number) => delete panelOf(number).dataset.stale;

  // The scale has moved: a recorded reply changes at once, a live one is grey until it is written again.
  const scale = (number, value) => {
    const found = place(number);
    if (found) found.scale = value;
    if (panelOf(number).dataset.mode === "recorded") draw(number, MOVED);
    else if (talks(number)) panelOf(number).dataset.stale = "";
  };

  const extras = (number, wanted) => {
    if (wanted) panelOf(number).dataset.extras = "";
    else delete panelOf(number).dataset.extras;
  };

  const again = (number) => {
    const panel = panelOf(number);
    if (panel.dataset.mode === "recorded" || !("stale" in panel.dataset)) return;
    if (panel.querySelector(".ph-now .ph-open")) later(number);
    else panel.querySelector(".ph-again").click();
  };
  const timers = new Map();
  const later = (number) => {
    clearTimeout(timers.get(number));
    timers.set(number, setTimeout(() => again(number), RELEASE_MS));
  };

  // A native change is a released pointer, a key, or a typed number; Gradio's own event has no keys.
  const released = (event) => {
    const panel = event.target.closest(".ph-scale") && event.target.closest(".ph-panel");
    if (panel) later(numberOf(panel));
  };
  document.addEventListener("change", released);

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-testid=reset-button]")) released(event);
    const column = event.target.closest(".ph-choose button");
    const persona = event.target.closest(".ph-personas button");
    if (column) {
      column.closest(".ph-panel").dataset.col = column.dataset.col;
      press(column);
    }
    if (persona) {
      for (const panel of document.querySelectorAll(".ph-panel"))
        panel.dataset.shown = String(panel.id === `ph-panel-${persona.dataset.panel}`);
      press(persona);
    }
  });

  // New text has come: it is of the scale that was asked for, and a new message is looked at.
  const watch = (panel) => {
    const written = panel.querySelector(".ph-col-steered .ph-now");
    let messages = 0;
    const seen = () => {
      unread(numberOf(panel));
      fresh(numberOf(panel));
      const now = written.querySelectorAll(".ph-you").length;
      if (now > messages) live(numberOf(panel));
      messages = now;
    };
    new MutationObserver(seen).observe(written, { childList: true, subtree: true, characterData: true });
  };

  /** The comparison with which the page opens. */
  const opening = (number) => place(number)?.opens;

  const start = () => {
    for (const panel of document.querySelectorAll(".ph-panel")) {
      watch(panel);
      show(numberOf(panel));
    }
    const named = new URLSearchParams(location.search).get("persona");
    const buttons = [...document.querySelectorAll(".ph-personas button")];
    buttons.find((one) => one.dataset.persona === named)?.click();
  };

  window.phoque.recorded = { start, show, opening, live, talk, prompt, said, which, read, fresh, scale, extras };
})();
