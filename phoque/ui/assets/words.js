// Word by word: how far the state that reads each word lies along the vector.
(() => {
  const { drawers, element, svg, drawBars, inspect, mean, replyParts, signed } = window.phoque;
  const REACH = 3; // standard deviations at which the colour is full

  const columnOf = ({ kind, name, extra, tokens }) => {
    const kinds = `ph-scrub-column ph-column ph-${kind} ph-col-${kind}${extra ? " ph-extra" : ""}`;
    const column = element("div", kinds, "", { tokens });
    column.dataset.column = kind;
    const label = `${name}, word by word`;
    const text = element("div", "ph-scrub-text", "", { tabIndex: 0, role: "group", ariaLabel: label });
    text.append(...replyParts(tokens, REACH));
    const told = `mean ${signed(mean(tokens))} SD over ${tokens.length} tokens`;
    const said = `Each token's number, as a bar up or down; ${told}`;
    const bars = svg("svg", { class: "ph-bars", preserveAspectRatio: "none", role: "img", "aria-label": said });
    drawBars(bars, tokens, REACH);
    column.append(element("h3", "", name), text, bars, element("footer", "", told));
    return column;
  };

  drawers.words = (root, { columns }) => {
    root.querySelector(".ph-words-columns").replaceChildren(...columns.map(columnOf));
    inspect(root);
  };
})();
