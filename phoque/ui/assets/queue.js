// The queue: people judge replies one by one. Verdicts stay in this browser until they are saved.
(() => {
  const { choose, drawers, element, secret, setPressed } = window.phoque;
  const PREFIX = "phoque-labels:";
  const PAUSE_MS = 250;

  /** Verdicts by rater, then by queue and id; another run's, or a broken store, counts as none. */
  const load = (key) => {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + key)) ?? {};
    } catch {
      return {};
    }
  };

  drawers.queue = (root, data) => {
    const card = root.querySelector(".ph-queue-card");
    const rater = root.querySelector("[name=rater]");
    const said = root.querySelector(".ph-queue-said");
    const state = { labels: load(data.key), queue: Object.keys(data.queues)[0], place: 0 };
    const own = () => (state.labels[rater.value.trim()] ??= {});
    const items = () => data.queues[state.queue];
    const item = () => items()[state.place];
    const key = (one) => `${state.queue}/${one.id}`;

    /** Hand the verdicts to the page, which asks the server what they come to. */
    const tell = (wanted) => {
      const list = Object.entries(state.labels).flatMap(([name, verdicts]) =>
        Object.entries(verdicts).map(([place, verdict]) => {
          const [queue, id] = place.split("/");
          return { id, queue, rater: name, verdict };
        }),
      );
      const reason = root.querySelector("[name=reason]").value;
      const detail = { labels: JSON.stringify(list), wanted, reason, who: rater.value.trim() };
      root.dispatchEvent(new CustomEvent("ph-labels", { bubbles: true, detail }));
    };

    /** Tell of several verdicts in a row once, after the last. */
    let waiting = 0;
    const tellSoon = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => tell("summary"), PAUSE_MS);
    };

    const show = () => {
      if (!items().length) {
        card.replaceChildren(element("p", "ph-empty", "There is nothing to judge here."));
        return;
      }
      const { prompt, text } = item();
      card.replaceChildren(
        ...(prompt ? [element("h4", "", "Message"), element("div", "", prompt)] : []),
        element("h4", "", prompt ? "Reply" : "Text"),
        ...secret(text),
      );
      const done = items().filter((one) => own()[key(one)]).length;
      Object.assign(root.querySelector("progress"), { max: items().length, value: done });
      const verdict = own()[key(item())];
      const now = verdict ? `, judged ${data.verdicts[verdict]}` : "";
      said.textContent = `${state.place + 1} of ${items().length}${now}; ${done} judged by ${rater.value.trim()}.`;
      setPressed(root.querySelectorAll("[data-verdict]"), (button) => button.dataset.verdict === verdict);
    };
    const move = (step) => {
      state.place = Math.max(0, Math.min(items().length - 1, state.place + step));
      show();
    };
    const judge = (verdict) => {
      if (!item()) return;
      if (!rater.value.trim()) {
        said.textContent = "Say who judges first.";
        rater.focus();
        return;
      }
      own()[key(item())] = verdict;
      try {
        localStorage.setItem(PREFIX + data.key, JSON.stringify(state.labels));
      } catch {
        said.textContent = "This browser keeps nothing: save the test set before you leave.";
      }
      tellSoon();
      move(1);
    };

    const keys = { j: () => move(1), k: () => move(-1), 1: () => judge("harmful"), 0: () => judge("harmless"), u: () => judge("unsure") };
    root.addEventListener("keydown", (event) => {
      if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
      const act = keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.verdict) judge(button.dataset.verdict);
      if (button?.dataset.step) move(Number(button.dataset.step));
      if (button?.dataset.wanted) tell(button.dataset.wanted);
    });
    choose(root, state, ["queue"], () => {
      state.place = 0;
      show();
    });
    rater.addEventListener("change", show);
    show();
    tell("summary");
  };
})();
