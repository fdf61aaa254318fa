// The PSM tab without a server: what is embedded in the page is drawn here.
(() => {
  const drawers = {};
  const NS = "http://www.w3.org/2000/svg";

  /** Create an SVG element. */
  const svg = (name, attributes) => {
    const made = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  /** Mark one button of a group as pressed. */
  const press = (button) => {
    for (const other of button.closest(".ph-group, table").querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };

  // Gradio puts sections in and replaces them; each is drawn once, when it is there.
  const mount = () => {
    for (const root of document.querySelectorAll("[data-psm]:not([data-ready])")) {
      root.dataset.ready = "";
      drawers[root.dataset.psm](root, JSON.parse(root.querySelector(".ph-data").textContent));
      phoque.start();
    }
  };

  const saveTable = (button) => {
    phoque.download(button.dataset.csv, button.dataset.name, "text/csv");
  };

  const choose = (button) => {
    press(button);
    for (const pane of button.closest(".ph-choose").querySelectorAll("[data-pane]")) {
      pane.hidden = pane.dataset.pane !== button.dataset.show;
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".ph-csv, [data-show], .ph-cell");
    if (!button) return;
    if (button.matches(".ph-csv")) saveTable(button);
    else if (button.matches(".ph-cell")) press(button);
    else choose(button);
  });

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

  let asked = false;
  const later = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      mount();
    });
  };
  new MutationObserver(later).observe(document, { childList: true, subtree: true });

  window.phoquePsm = { drawers, press, svg };
})();
