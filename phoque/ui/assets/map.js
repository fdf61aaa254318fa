// The map of geometry: messages in two dimensions, layer by layer.
(() => {
  const { drawers, svg } = window.phoque;

  // The map: the same messages at every layer.
  drawers.map = (root, data) => {
    const picture = root.querySelector("svg");
    const slider = root.querySelector("input");
    const said = root.querySelector("output");
    const play = root.querySelector(".ph-play");
    let timer = 0;
    const dots = data.points[0].map((_, place) => {
      const group = Math.floor(place / data.size);
      return picture.appendChild(dot(group, data.groups[group]));
    });

    const show = () => {
      const layer = Number(slider.value);
      data.points[layer].forEach(([x, y], place) => {
        dots[place].style.transform = `translate(${x}px, ${-y}px)`;
      });
      const kept = (100 * data.explained[layer]).toFixed(0);
      said.textContent = `Layer ${layer}: two dimensions hold ${kept} % of the variance.`;
      slider.setAttribute("aria-valuetext", `layer ${layer}`);
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "▶ Play";
    };
    const step = () => {
      if (!root.isConnected) return stop();
      slider.value = (Number(slider.value) + 1) % data.points.length;
      return show();
    };
    const start = () => {
      play.textContent = "⏸ Pause";
      timer = setInterval(step, 500);
    };
    play.addEventListener("click", () => (timer ? stop() : start()));
    slider.addEventListener("input", () => {
      stop();
      show();
    });
    show();
  };

  // Four shapes, so that no group is told by colour alone: filled is tuned, a square is hostile.
  const dot = (group, name) => {
    const hostile = group % 2 === 1;
    const made = hostile
      ? svg("rect", { x: -0.035, y: -0.035, width: 0.07, height: 0.07 })
      : svg("circle", { r: 0.038 });
    made.setAttribute("class", `ph-dot ph-dot-${group}`);
    made.appendChild(svg("title", {})).textContent = name;
    return made;
  };
})();
