// The gap table: filtered and opened without the server. Texts stay hidden until revealed.
(() => {
  const { choose, drawers, element, secret, setPressed } = window.phoque;
  const NEAR = 0.1;

  /** Why a reply passes a moderator; "flagged" if it does not. As `phoque.stages.moderation.gap.gap_type`. */
  const gapType = (row, place, threshold) => {
    const score = row.raw[place];
    if (score >= threshold) return "flagged";
    if (row.canonical[place] >= threshold) return "lexical";
    if (row.raw.some((other, i) => i !== place && other >= threshold)) return "disagreement";
    return score >= threshold - NEAR ? "near-miss" : row.listed ? "listed word" : "implicit";
  };

  const shown = (score) => (score === null ? "–" : score.toFixed(3));

  /** A score as a bar with the threshold on it. */
  const meter = (name, score, threshold) => {
    const row = element("div", "ph-score");
    const track = element("div", "ph-score-track");
    const fill = element("i", "ph-score-fill");
    const mark = element("i", "ph-score-mark");
    fill.style.width = `${100 * (score ?? 0)}%`;
    mark.style.left = `${100 * threshold}%`;
    track.append(fill, mark);
    const flag = score >= threshold ? " ⚑" : "";
    row.append(element("span", "", name), track, element("output", "", shown(score) + flag));
    return row;
  };

  const group = (tag, parts) => {
    const made = element(tag);
    made.append(...parts);
    return made;
  };
  const list = (title, parts) => group("section", [element("h4", "", title), ...parts]);

  const novelty = (row) => {
    if (!row.novelty) return [];
    const { exact, containment, similarity, nearest, novel } = row.novelty;
    const verdict =
      novel
        ? "No line of the tuning corpus is close to it."
        : "Not claimed as new: a line of the tuning corpus is close, or it is too short to tell.";
    const facts = `Exact copy: ${exact ? "yes" : "no"}; share of its word sequences in one training line: ${containment.toFixed(2)}; likeness to the nearest line: ${similarity.toFixed(2)}.`;
    const parts = [element("p", "", `${verdict} ${facts}`)];
    if (nearest) parts.push(element("p", "ph-hint", "Nearest training line:"), ...secret(nearest));
    return [list("Is it in the tuning corpus?", parts)];
  };

  const context = (row, threshold) => {
    if (!row.context) return [];
    const { alone, context_only, both, leaked } = row.context;
    const names = { "the reply alone": alone, "the message alone": context_only, "both together": both };
    const parts = Object.entries(names).map(([name, score]) => meter(name, score, threshold));
    if (leaked) parts.push(element("p", "", "The hit on both is the message's own: a leak, not context."));
    return [list("In context, ToxBlock + SVM", parts)];
  };

  const detail = (data, row, place, threshold) => {
    const type = gapType(row, place, threshold);
    const scores = data.called.flatMap((name, i) => [
      meter(name, row.raw[i], threshold),
      ...(row.canonical[i] === row.raw[i] ? [] : [meter(`${name}, canonical`, row.canonical[i], threshold)]),
    ]);
    const trace = row.trace.map(([name, after]) => group("li", [element("b", "", name), ...secret(after)]));
    const readers = row.labels.map(([rater, kind, verdict]) =>
      element("li", "", `${rater} (${kind === "person" ? "person" : "model, not a person"}): ${verdict}`),
    );
    return [
      element("h3", "", data.types[type]),
      element("p", "ph-hint", data.hints[type]),
      list("Message", [element("p", "", row.prompt)]),
      list("Reply", secret(row.text)),
      element("p", "ph-hint", `${data.conditions[row.condition]} · seed ${row.seed} · ${row.words} words of the persona's list · chosen by ${data.strata[row.stratum]}`),
      list("Scores; the mark is the threshold", scores),
      ...(row.why ? [list("Why it passed ToxBlock + SVM at 0.5", [element("p", "", row.why)])] : []),
      ...(trace.length ? [list("Its spelling undone, step by step", [group("ol", trace)])] : []),
      ...context(row, threshold),
      ...novelty(row),
      ...(readers.length ? [list("Readers", [group("ul", readers)])] : []),
    ];
  };

  const HEAD = ["why it passes", "reply", "score", "canonical", "condition", "chosen by", "readers"];

  /** One line; its first cell is a button, so that it opens by keyboard too. */
  const line = (data, row, place, threshold) => {
    const type = data.types[gapType(row, place, threshold)];
    const open = element("button", "ph-gap-open", type, { type: "button" });
    open.dataset.id = row.id;
    const text = element("td", "ph-gap-text");
    text.append(...secret(row.text));
    const harmful = row.labels.filter((one) => one[2] === "harmful").length;
    const said = row.labels.length ? `${harmful} of ${row.labels.length} harmful` : "–";
    const scores = [shown(row.raw[place]), shown(row.canonical[place])];
    const rest = [...scores, data.conditions[row.condition], data.strata[row.stratum], said];
    const name = Object.assign(group("th", [open]), { scope: "row" });
    return group("tr", [name, text, ...rest.map((cell) => element("td", "", cell))]);
  };

  drawers.gap = (root, data) => {
    const state = { moderator: data.names[0], type: "", words: "", threshold: 0.5, id: "" };
    const table = root.querySelector("table");
    const place = () => data.names.indexOf(state.moderator);
    const head = table.createTHead().insertRow();
    for (const text of HEAD) head.append(element("th", "", text, { scope: "col" }));
    const body = table.createTBody();

    const matches = (row) =>
      (!state.type || gapType(row, place(), state.threshold) === state.type) &&
      `${row.prompt} ${row.text}`.toLowerCase().includes(state.words);
    const open = () => {
      const row = data.rows.find((one) => one.id === state.id);
      if (row) root.querySelector(".ph-gap-detail").replaceChildren(...detail(data, row, place(), state.threshold));
      setPressed(body.querySelectorAll(".ph-gap-open"), (button) => button.dataset.id === state.id);
    };
    const show = () => {
      const kept = data.rows.filter(matches).sort((a, b) => b.raw[place()] - a.raw[place()]);
      body.replaceChildren(...kept.map((row) => line(data, row, place(), state.threshold)));
      const count = `${kept.length} of ${data.rows.length} replies, ${data.called[place()]} at ${state.threshold.toFixed(2)}.`;
      root.querySelector(".ph-gap-count").textContent = count;
      open();
    };

    root.addEventListener("click", (event) => {
      const row = event.target.closest("tbody tr");
      if (!row) return;
      state.id = row.querySelector(".ph-gap-open").dataset.id;
      open();
    });
    choose(root, state, ["moderator", "type"], show);
    root.querySelector("[type=search]").addEventListener("input", (event) => {
      state.words = event.target.value.toLowerCase();
      show();
    });
    // The threshold is the one of the flag rates above.
    document.addEventListener("ph-threshold", (event) => {
      if (!root.isConnected || event.detail.at === state.threshold) return;
      state.threshold = event.detail.at;
      show();
    });
    show();
  };

  // The chosen replies are in the page already; the threshold decides what is said of them.
  document.addEventListener("ph-threshold", ({ detail: { at } }) => {
    for (const told of document.querySelectorAll(".ph-passing-bar output")) told.textContent = at.toFixed(2);
    for (const line of document.querySelectorAll(".ph-passing [data-score]")) {
      const flagged = Number(line.dataset.score) >= at;
      line.className = flagged ? "ph-flag" : "ph-pass";
      line.querySelector("b").textContent = flagged ? "⚑ flagged" : "✓ passes";
    }
  });
})();
