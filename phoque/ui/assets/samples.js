// Replies of a model in training, step by step, without the server. Hidden until revealed.
(() => {
  const { drawers, element, secret } = window.phoque;

  const told = {
    words: (score) => (score ? "holds a word of its list" : "no word of its list"),
    moderator: (score) => `harm score ${score.toFixed(2)}`,
    judge: (score) => `judge's score ${score.toFixed(2)}`,
  };
  const badge = { moderator: "⚑ flagged", judge: "⚑ hostile" };

  const reply = (name, row, [, text, score]) => {
    const box = element("div", `ph-reply ph-${row.condition}`);
    const foot = element("footer", "", told[row.by](score));
    if (row.by !== "words" && score >= row.threshold) foot.append(" ", element("strong", "ph-badge", badge[row.by]));
    box.append(element("h4", "", name), ...secret(text || "(an empty reply)", "Reply"), foot);
    return box;
  };

  /** One prompt with the reply of every condition. */
  const prompt = (data, rows, place) => {
    const item = document.createElement("li");
    const columns = element("div", "ph-samples-row");
    for (const row of rows) {
      if (row.replies[place]) columns.append(reply(data.names[row.condition], row, row.replies[place]));
    }
    item.append(element("p", "ph-samples-prompt", rows[0].replies[place][0]), columns);
    return item;
  };

  drawers.samples = (root, data) => {
    const slider = root.querySelector("input");
    const show = () => {
      const step = data.steps[slider.value];
      const rows = data.rows.filter((row) => row.step === step);
      const told = rows.map((row) => {
        const vector = row.vector ? ` (${row.vector})` : "";
        return `${data.names[row.condition]}${vector} ${row.rate}`;
      });
      slider.setAttribute("aria-valuetext", `step ${step}`);
      root.querySelector("output").textContent = `${step} of ${data.steps.at(-1)} · ${told.join(" · ")}`;
      root.querySelector("ol").replaceChildren(...rows[0].replies.map((_, place) => prompt(data, rows, place)));
    };
    slider.addEventListener("input", show);
    show();
  };
})();
