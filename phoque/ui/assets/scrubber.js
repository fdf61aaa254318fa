// The scale scrubber: shipped replies, switched between without the server.
(() => {
  const { choose, drawers, element, masked, percent, secret, svg } = window.phoque;

  /** What a scale means, in words. */
  const words = (data, kind, scale) => {
    const size = `Scale ${scale.toFixed(2)}, relative dose ${(scale * data.dose).toFixed(2)}`;
    const nat = data.nat === null ? "" : ` One nat is at scale ${data.nat.toFixed(2)}.`;
    if (kind === "reversed") return `${size}, subtracted under the hostile prompt.`;
    if (scale < 0) return `${size}: away from the persona.`;
    if (scale === 0) return `${size}: nothing is added, the reply is the neutral one.`;
    const band = data.coherent.toFixed(2);
    const where =
      scale <= data.coherent + 0.005
        ? `inside the band where text stays coherent (up to ${band})`
        : `COLLAPSE ZONE, beyond ${band}: broken text is damage, not more persona`;
    const random = kind === "random_vector" ? " The band was measured with the persona vector." : "";
    return `${size}: ${where}.${nat}${random}`;
  };

  /** How strong a token's background is, from -100 to 100. */
  const heat = (projection, reach) =>
    Math.round(100 * Math.max(-1, Math.min(1, projection / reach)));

  const signed = (number) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;

  /** A token's numbers: of a recorded one, or, without a probability, in standard deviations. */
  const numbers = ([, projection, probability]) =>
    probability === undefined
      ? `${signed(projection)} SD`
      : `projection ${projection.toFixed(2)} · probability ${percent(probability)}`;

  const tokenSpan = (token, place, reach) => {
    const [text, projection] = token;
    const title = `${text.trim() || "space"} · ${numbers(token)}`;
    const span = element("span", projection < 0 ? "ph-token ph-away" : "ph-token", text, { title });
    span.style.setProperty("--heat", `${Math.abs(heat(projection, reach)) * 0.6}%`);
    span.dataset.place = place;
    return span;
  };

  /** The reply twice, as in the chat: readable, and its shape. */
  const replyParts = (tokens, reach) => {
    const [real, mask, note] = secret("", "Reply");
    tokens.forEach((token, place) => {
      real.append(tokenSpan(token, place, reach));
      mask.append(tokenSpan([masked(token[0]), ...token.slice(1)], place, reach));
    });
    if (!tokens.length) real.textContent = mask.textContent = "(an empty reply)";
    return [real, mask, note];
  };

  const drawBars = (picture, tokens, reach) => {
    const high = Math.max(reach, ...tokens.map((token) => token[1]));
    const low = Math.min(-0.25 * reach, ...tokens.map((token) => token[1]));
    const count = Math.max(1, tokens.length);
    picture.setAttribute("viewBox", `0 ${-high} ${count} ${high - low}`);
    const bars = tokens.map(([, value], place) =>
      svg("rect", {
        x: place + 0.1,
        width: 0.8,
        y: -Math.max(0, value),
        height: Math.max(Math.abs(value), 0.01),
        class: value < 0 ? "ph-bar-away" : "ph-bar-along",
      }),
    );
    const lines = [0, 1].map((at) =>
      svg("line", { x1: 0, x2: count, y1: -at, y2: -at, class: `ph-level ph-level-${at}` }),
    );
    picture.replaceChildren(...bars, ...lines);
  };

  /** Of tokens' places along the vector. */
  const mean = (tokens) => tokens.reduce((sum, token) => sum + token[1], 0) / Math.max(1, tokens.length);

  const facts = ([hits, tokens]) => {
    const flag = hits ? ` · ⚑ ${hits} listed ${hits === 1 ? "word" : "words"}` : "";
    return `${tokens.length} tokens · projection ${mean(tokens).toFixed(2)}${flag}`;
  };

  /** One column of one reply. */
  const fill = (column, reply, reach) => {
    const box = column.querySelector(".ph-scrub-text");
    box.replaceChildren(...replyParts(reply[1], reach));
    box.tabIndex = 0;
    drawBars(column.querySelector("svg"), reply[1], reach);
    column.querySelector("footer").textContent = facts(reply);
    column.tokens = reply[1];
  };

  const meters = (root, data, cell) => {
    const [value, low, high, n] = cell.rate;
    const own = cell.mean ?? 0;
    const set = (name, share, text) => {
      root.querySelector(`[data-meter=${name}]`).style.width = `${Math.min(100, 100 * share)}%`;
      root.querySelector(`[data-out=${name}]`).textContent = text;
    };
    set("rate", value, `${percent(value)} [${percent(low)}, ${percent(high)}] of ${n}`);
    const [neutral, toxic] = ["neutral", "toxic"].map((kind) => data.series[kind][0].mean ?? 0);
    const beside = `(neutral ${neutral.toFixed(2)}, hostile prompt ${toxic.toFixed(2)})`;
    set("mean", Math.max(0, own) / data.reach, `${own.toFixed(2)} ${beside}`);
  };

  /** The caption of a token; its text is masked like a reply. */
  const say = (root, column, place) => {
    const token = column.tokens[place];
    if (!token) return;
    const line = root.querySelector(".ph-scrub-token");
    const name = column.querySelector("h3").textContent;
    const real = element("span", "ph-real", `“${token[0].trim() || "␣"}”`);
    const mask = element("span", "ph-mask", `“${masked(token[0].trim()) || "␣"}”`);
    const which = `${name}, token ${place + 1} of ${column.tokens.length}: `;
    line.replaceChildren(which, real, mask, ` · ${numbers(token)}`);
    for (const old of root.querySelectorAll(".ph-here")) old.classList.remove("ph-here");
    for (const span of column.querySelectorAll(`[data-place="${place}"]`)) span.classList.add("ph-here");
    column.querySelectorAll("rect")[place]?.classList.add("ph-here");
    column.place = place;
  };

  const inspect = (root) => {
    const over = (event) => {
      const span = event.target.closest(".ph-token");
      if (span) say(root, span.closest("[data-column]"), Number(span.dataset.place));
    };
    root.addEventListener("pointerover", over);
    root.addEventListener("click", over);
    root.addEventListener("focusin", (event) => {
      const column = event.target.matches(".ph-scrub-text") && event.target.closest("[data-column]");
      if (column) say(root, column, column.place ?? 0);
    });
    root.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move || !event.target.matches(".ph-scrub-text")) return;
      const column = event.target.closest("[data-column]");
      const last = column.tokens.length - 1;
      event.preventDefault();
      say(root, column, Math.max(0, Math.min(last, (column.place ?? 0) + move)));
    });
  };

  Object.assign(window.phoque, { drawBars, inspect, mean, replyParts, signed });

  drawers.scrubber = (root, data) => {
    const slider = root.querySelector("input[type=range]");
    const state = { preset: 0, series: "vector", remedy: 0 };
    const column = (kind) => root.querySelector(`[data-column=${kind}]`);
    const chosen = () => {
      const place = state.series === "antidote" ? state.remedy : Number(slider.value);
      return data.series[state.series][place];
    };

    const showMain = () => {
      const cell = chosen();
      const isScale = typeof cell.at === "number";
      const text = isScale
        ? words(data, state.series, cell.at)
        : `Antidote “${cell.at}” under the hostile prompt.`;
      fill(column("main"), cell.replies[state.preset], data.reach);
      meters(root, data, cell);
      root.querySelector(".ph-scrub-words").textContent = text;
      root.classList.toggle("ph-collapsed", isScale && cell.at > data.coherent + 0.005);
      slider.setAttribute("aria-valuetext", text);
    };
    const showAll = () => {
      for (const kind of ["neutral", "toxic"]) {
        const [cell] = data.series[kind];
        fill(column(kind), cell.replies[state.preset], data.reach);
      }
      root.querySelector(".ph-scrub-prompt").textContent = data.prompts[state.preset];
      column("main").querySelector("h3").textContent = root.querySelector(`[data-series=${state.series}]`).textContent;
      root.querySelector(".ph-scrub-slide").hidden = state.series === "antidote";
      root.querySelector(".ph-remedies").hidden = state.series !== "antidote";
      showMain();
    };

    slider.addEventListener("input", showMain);
    choose(root, state, ["preset", "series", "remedy"], showAll);
    inspect(root);
    showAll();
  };
})();
