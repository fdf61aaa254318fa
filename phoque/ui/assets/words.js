// Word by word: how far the state that reads each word lies along the vector.
(() => {
  const { drawers, element, svg } = window.phoqueSections;
  const { drawBars, inspect, replyParts, signed } = window.phoqueTokens;
  const REACH = 3; // standard deviations at which the colour is full

  const columnOf = ({ kind, name, extra, tokens }) => {
    const kinds = `ph-scrub-column ph-column ph-${kind} ph-col-${kind}${extra ? " ph-extra" : ""}`;
    const column = Object.assign(element("div", kinds), { tokens });
    column.dataset.column = kind;
    const text = element("div", "ph-scrub-text");
    text.tabIndex = 0;
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", `${name}, word by word`);
    text.append(...replyParts(tokens, REACH));
    const mean = tokens.reduce((sum, token) => sum + token[1], 0) / Math.max(1, tokens.length);
    const told = `mean ${signed(mean)} SD over ${tokens.length} tokens`;
    const bars = svg("svg", { class: "ph-bars", preserveAspectRatio: "none", role: "img" });
    bars.setAttribute("aria-label", `Each token's number, as a bar up or down; ${told}`);
    drawBars(bars, tokens, REACH);
    column.append(element("h3", "", name), text, bars, element("footer", "", told));
    return column;
  };

  drawers.words = (root, { columns }) => {
    root.querySelector(".ph-words-columns").replaceChildren(...columns.map(columnOf));
    inspect(root);
  };
})();
