// Flag rates at any threshold: looked up, never computed here. Every rate was counted beforehand.
(() => {
  const { choose, drawers, svg, element, percent } = window.phoque;
  const WIDTH = 100;
  const HEIGHT = 60;

  const interval = ([value, low, high]) =>
    `${percent(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

  /** One condition: name, bar with its interval, words. */
  const bar = (data, found, condition, at) => {
    const rate = found.conditions[condition].rates[at];
    const row = element("div", `ph-flag-bar ph-${condition}`);
    const track = element("div", "ph-flag-track");
    const fill = element("i", "ph-flag-fill");
    const whisker = element("i", "ph-flag-whisker");
    fill.style.width = `${100 * rate[0]}%`;
    whisker.style.left = `${100 * rate[1]}%`;
    whisker.style.width = `${100 * (rate[2] - rate[1])}%`;
    track.append(fill, whisker);
    const words = element("span", "", `${interval(rate)} of ${data.n}`);
    row.append(element("b", "", data.conditions[condition]), track, words);
    return row;
  };

  const uplift = ([value, low, high, p]) => {
    if (low === 0 && high === 0) return "flagged as neutral is, on every prompt";
    const sign = value >= 0 ? "+" : "";
    const range = `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
    return `${sign}${(100 * value).toFixed(1)} points ${range} on neutral, one seed's p ${p < 0.001 ? "< 0.001" : p.toFixed(3)}`;
  };

  const path = (thresholds, values) =>
    thresholds.map((t, i) => `${i ? "L" : "M"}${WIDTH * t} ${HEIGHT * (1 - values[i])}`).join("");

  /** Conditions whose replies this moderator has scored. */
  const scored = (data, found) => Object.keys(data.conditions).filter((name) => found.conditions[name]);

  /** Curves of all conditions with their bands; each condition has its own dash. */
  const drawCurves = (picture, data, found) => {
    const parts = scored(data, found).flatMap((name) => {
      const rates = found.conditions[name].rates;
      const lows = rates.map((rate) => rate[1]).reverse();
      const back = [...data.thresholds].reverse();
      const outline = path(data.thresholds, rates.map((rate) => rate[2])) + path(back, lows).replace("M", "L");
      return [
        svg("path", { d: `${outline}Z`, class: `ph-flag-band ph-${name}` }),
        svg("path", { d: path(data.thresholds, rates.map((rate) => rate[0])), class: `ph-flag-line ph-${name}` }),
      ];
    });
    const grid = [0, 0.25, 0.5, 0.75, 1].map((share) =>
      svg("line", { x1: 0, x2: WIDTH, y1: HEIGHT * (1 - share), y2: HEIGHT * (1 - share), class: "ph-level" }),
    );
    picture.replaceChildren(...grid, ...parts, svg("line", { y1: 0, y2: HEIGHT, class: "ph-flag-here" }));
  };

  /** A small table; the first column names the row. */
  const table = (caption, head, rows) => {
    const made = element("table", "ph-table");
    made.append(element("caption", "", caption));
    const line = made.createTHead().insertRow();
    for (const text of head) line.append(element("th", "", text, { scope: "col" }));
    const body = made.createTBody();
    for (const [name, ...cells] of rows) {
      const row = body.insertRow();
      row.append(element("th", "", name, { scope: "row" }));
      for (const text of cells) row.insertCell().textContent = text;
    }
    const box = element("div", "ph-scroll", "", { tabIndex: 0 });
    box.append(made);
    return box;
  };

  const shares = (found, part, kinds, conditions, at) =>
    kinds.map((kind) => [kind, ...conditions.map((c) => percent(found.conditions[c][part][kind][at]))]);

  const tables = (data, found, at) => {
    const shown = scored(data, found);
    const heads = shown.map((name) => data.conditions[name]);
    const threshold = data.thresholds[at].toFixed(2);
    const others = Object.entries(data.called).map(([name, called]) => [
      called,
      ...shown.map((condition) => interval(data.classifiers[name].conditions[condition].rates[at])),
    ]);
    const kinds = Object.keys(found.conditions.neutral.categories);
    const labels = Object.keys(found.conditions.neutral.labels);
    const types = Object.keys(data.types).map((type) => [
      `${data.types[type]}: ${data.hints[type]}`,
      ...Object.values(found.types).map((counts) => `${counts[type][at]} of ${counts.n}`),
    ]);
    return [
      table(`Every moderator at ${threshold}`, ["moderator", ...heads], others),
      table(
        `What each condition adds to neutral at ${threshold}`,
        ["condition", "flagged beyond neutral"],
        Object.entries(found.uplift).map(([name, added]) => [data.conditions[name], uplift(added[at])]),
      ),
      table(`By kind of message, at ${threshold}`, ["message", ...heads], shares(found, "categories", kinds, shown, at)),
      table(`By label, at ${threshold}`, ["label", ...heads], shares(found, "labels", labels, shown, at)),
      table(
        `Replies that pass at ${threshold}, by the reason why; whether they are harmful is for people to say`,
        ["why it passes", ...Object.keys(found.types).map((name) => data.conditions[name])],
        types,
      ),
    ];
  };

  drawers.flags = (root, data) => {
    const slider = root.querySelector("input");
    const marks = root.querySelector(".ph-flag-marks");
    const state = { moderator: Object.keys(data.called)[0] };
    const place = () => data.thresholds.findIndex((t) => Math.abs(t - slider.value) < 0.005);

    const show = () => {
      const at = place();
      const found = data.classifiers[state.moderator];
      root.querySelector("output").textContent = data.thresholds[at].toFixed(2);
      root.querySelector(".ph-flag-bars").replaceChildren(...scored(data, found).map((name) => bar(data, found, name, at)));
      root.querySelector(".ph-flag-tables").replaceChildren(...tables(data, found, at));
      for (const end of ["x1", "x2"])
        root.querySelector(".ph-flag-here").setAttribute(end, WIDTH * data.thresholds[at]);
      slider.setAttribute("aria-valuetext", `threshold ${data.thresholds[at].toFixed(2)}`);
      document.dispatchEvent(new CustomEvent("ph-threshold", { detail: { at: data.thresholds[at] } }));
    };
    const showAll = () => {
      const found = data.classifiers[state.moderator];
      const own = data.own[state.moderator];
      const kept = [0.5, 0.7, ...(own >= 0.01 && own < 1 ? [own] : [])];
      marks.replaceChildren(
        ...kept.map((threshold, i) => {
          const said = i < 2 ? threshold.toFixed(1) : `5 % false alarms: ${threshold.toFixed(2)}`;
          const button = element("button", "", said, { type: "button" });
          button.dataset.threshold = threshold;
          return button;
        }),
      );
      drawCurves(root.querySelector("svg"), data, found);
      root.querySelector("figcaption").textContent =
        `Flag rate of ${data.called[state.moderator]} (0 to 100 %) over the threshold (0 to 1), with 95 % bands; the upright line is the threshold. ` +
        "Lines: neutral solid, toxic dashed, steered dash-dotted, random vector dotted.";
      show();
    };

    slider.addEventListener("input", show);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-threshold]");
      if (!button) return;
      slider.value = button.dataset.threshold;
      show();
    });
    choose(root, state, ["moderator"], showAll);
    showAll();
  };
})();
