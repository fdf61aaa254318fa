// Flag rates at any threshold: looked up, never computed here. Every rate was counted beforehand.
(() => {
  const { choose, drawers, svg, element, percent } = window.phoque;
  const WIDTH = 100;
  const HEIGHT = 60;

  const interval = ([value, low, high]) =>
    `${percent(value)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

  /** One condition: name, bar with its interval, words. */
  const bar = (data, found, condition, at) => {
    const rate = found[condition][at];
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

  const path = (thresholds, values) =>
    thresholds.map((t, i) => `${i ? "L" : "M"}${WIDTH * t} ${HEIGHT * (1 - values[i])}`).join("");

  /** Conditions whose replies this moderator has scored. */
  const scored = (data, found) => Object.keys(data.conditions).filter((name) => found[name]);

  /** Curves of all conditions with their bands; each condition has its own dash. */
  const drawCurves = (picture, data, found) => {
    const parts = scored(data, found).flatMap((name) => {
      const rates = found[name];
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

  drawers.flags = (root, data) => {
    const slider = root.querySelector("input");
    const marks = root.querySelector(".ph-flag-marks");
    const state = { moderator: Object.keys(data.called)[0] };
    const place = () => data.thresholds.findIndex((t) => Math.abs(t - slider.value) < 0.005);

    const show = () => {
      const at = place();
      const found = data.rates[state.moderator];
      root.querySelector("output").textContent = data.thresholds[at].toFixed(2);
      root.querySelector(".ph-flag-bars").replaceChildren(...scored(data, found).map((name) => bar(data, found, name, at)));
      for (const end of ["x1", "x2"])
        root.querySelector(".ph-flag-here").setAttribute(end, WIDTH * data.thresholds[at]);
      slider.setAttribute("aria-valuetext", `threshold ${data.thresholds[at].toFixed(2)}`);
      document.dispatchEvent(new CustomEvent("ph-threshold", { detail: { at: data.thresholds[at] } }));
    };
    const showAll = () => {
      const found = data.rates[state.moderator];
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
