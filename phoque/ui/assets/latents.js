// Tables of latents: sorted, searched and filtered without the server.
(() => {
  const { choose, drawers, element, masked, percent, setPressed } = window.phoque;
  const SORTED = { effect: "effect", q: "q", did: "did", half: "effect_half", tone: "tone_auc", latent: "latent" };

  const shown = (value, digits = 2) => (value === null ? "–" : value.toFixed(digits));
  const signed = (value) => (value === null ? "–" : `${value > 0 ? "+" : ""}${value.toFixed(2)}`);
  const small = (value) => (value === null ? "–" : value < 0.001 ? "< 0.001" : value.toFixed(3));

  /** Verdict with its badges; each badge says what it stands for. */
  const verdict = (data, row) => {
    const cell = element("td", "ph-latent-verdict");
    const named = data.verdicts[row.verdict] ?? "not significant";
    const badges = row.badges.map((badge) => element("abbr", "ph-badge-of", badge, { title: data.badges[badge] }));
    cell.append(element("b", "", named, { title: data.hints[row.verdict] ?? "" }), ...badges);
    return cell;
  };

  /** The name is made of words of texts: masked until revealed, beside how often it holds. */
  const named = (row) => {
    if (!row.name) return element("td", "", "–");
    const cell = element("td");
    const holds = element("small", "", row.precision === null
      ? "not tested"
      : `holds ${percent(row.precision)}, anywhere ${percent(row.firing_rate)}`);
    const quoted = row.name.replace(/“[^”]*”/g, masked);
    cell.append(element("div", "ph-real", row.name), element("div", "ph-mask", quoted), holds);
    return cell;
  };

  const line = (data, row) => {
    const made = document.createElement("tr");
    const head = element("th", "", "", { scope: "row" });
    const label = `Latent ${row.latent}: show its evidence`;
    const open = element("button", "ph-latent-open", row.latent, { type: "button", ariaLabel: label });
    open.dataset.latent = row.latent;
    head.append(open);
    const cells = [
      `${signed(row.effect)} [${signed(row.low)}, ${signed(row.high)}]`,
      small(row.q),
      signed(row.did),
      signed(row.effect_half),
      `${percent(row.frequency[0])} → ${percent(row.frequency[1])}`,
      shown(row.tone_auc),
    ];
    made.append(head, verdict(data, row), ...cells.map((text) => element("td", "", text)), named(row));
    return made;
  };

  const headCell = ([key, text], state) => {
    const [word, hint] = text.split("|");
    const title = hint ?? "";
    if (!SORTED[key]) return element("th", "", word, { scope: "col", title });
    const cell = element("th", "", "", { scope: "col" });
    const active = state.key === key;
    const arrow = active ? (state.down ? " ▼" : " ▲") : "";
    const button = element("button", "ph-sort", word + arrow, { type: "button", title });
    button.dataset.sort = key;
    cell.setAttribute("aria-sort", active ? (state.down ? "descending" : "ascending") : "none");
    cell.append(button);
    return cell;
  };

  drawers.latents = (root, data) => {
    const state = { verdict: "", badge: "", words: "", key: "effect", down: true, latent: "" };
    const matches = (row) =>
      (!state.verdict || row.verdict === state.verdict) &&
      (!state.badge || row.badges.includes(state.badge)) &&
      `${row.latent} ${row.name} ${row.kind} ${row.stability}`.toLowerCase().includes(state.words);
    const order = (one, other) => {
      const field = SORTED[state.key];
      const size = (row) => Math.abs(Number(row[field] ?? 0));
      return (size(one) - size(other)) * (state.down ? -1 : 1);
    };
    const mark = () => setPressed(root.querySelectorAll(".ph-latent-open"), (one) => one.dataset.latent === state.latent);
    const show = () => {
      const kept = data.rows.filter(matches).sort(order);
      for (const table of root.querySelectorAll("table")) {
        const own = kept.filter((row) => row.effect > 0 === (table.dataset.side === "risen"));
        const head = document.createElement("thead");
        head.insertRow().append(...Object.entries(data.head).map((entry) => headCell(entry, state)));
        const body = document.createElement("tbody");
        body.append(...own.map((row) => line(data, row)));
        table.replaceChildren(head, body);
      }
      root.querySelector(".ph-gap-count").textContent = `${kept.length} of ${data.rows.length} latents.`;
      mark();
    };

    root.addEventListener("click", (event) => {
      const { sort, latent } = event.target.closest("button")?.dataset ?? {};
      if (latent) {
        state.latent = latent;
        mark();
      }
      if (sort) {
        Object.assign(state, { down: state.key === sort ? !state.down : true, key: sort });
        show();
      }
    });
    choose(root, state, ["verdict", "badge"], show);
    root.querySelector("[type=search]").addEventListener("input", (event) => {
      state.words = event.target.value.toLowerCase();
      show();
    });
    show();
  };
})();
