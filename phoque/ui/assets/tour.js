// The tour: a dialog that sets the page for each step and points at one thing without covering it.
(() => {
  const GAP = 12; // pixels between the dialog, what it points at, and the window's edge
  const RIM = 8; // between the outline and what is in it
  const NARROW = "(max-width: 600px)"; // there the dialog is a sheet at the bottom
  const STRIP = "ph-tour-strip";
  const SETTLE_MS = 250; // Gradio tells of a moved scale a moment later
  let data = null;
  let at = -1; // the step that is shown; none
  let visits = 0;
  let follow = false; // scroll along while the page grows, until the visitor scrolls
  let before = null; // what the tour changes, as it was

  const part = (name) => document.querySelector(`.ph-tour${name}`);
  const dialog = () => part("");
  const step = () => data.steps[at];
  const tabShown = () => document.querySelector('[role="tab"][aria-selected="true"]')?.dataset.tabId;
  const slider = () => document.querySelector("#ph-panel-0 .ph-scale input[type=range]");

  /** The box around everything of these selectors that is on the page. */
  const around = (selectors) => {
    const boxes = selectors
      .flatMap((one) => [...document.querySelectorAll(one)])
      .map((one) => one.getBoundingClientRect())
      .filter((box) => box.width && box.height);
    if (!boxes.length) return null;
    const [left, top] = ["left", "top"].map((side) => Math.min(...boxes.map((box) => box[side])));
    const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...boxes.map((box) => box[side])));
    return { left, top, right, bottom };
  };
  const kept = () => around([...step().points, ...step().clear]);

  const size = () => dialog().getBoundingClientRect(); // offsetHeight is rounded
  const sheet = () => ({ left: 0, top: innerHeight - size().height });
  const meets = (spot, box) =>
    spot.left < box.right && spot.left + size().width > box.left &&
    spot.top < box.bottom && spot.top + size().height > box.top;

  /** Below what is pointed at, above it, or beside it; where there is no room, a strip at the bottom. */
  const spotFor = (box) => {
    dialog().classList.remove(STRIP);
    if (!box || matchMedia(NARROW).matches) return sheet();
    const { width, height } = size();
    const within = (value, size, room) => Math.max(GAP, Math.min(value, room - size - GAP));
    const spots = [
      { left: box.left, top: box.bottom + RIM + GAP },
      { left: box.left, top: box.top - RIM - GAP - height },
      { left: box.right + GAP, top: box.top },
      { left: box.left - GAP - width, top: box.top },
    ].map(({ left, top }) => ({
      left: within(left, width, document.documentElement.clientWidth),
      top: within(top, height, innerHeight),
    }));
    const free = spots.find((spot) => !meets(spot, box));
    if (!free) dialog().classList.add(STRIP);
    return free ?? sheet();
  };

  const put = (element, box) => {
    const zoom = element.currentCSSZoom ?? 1; // of the stage size
    for (const [side, value] of Object.entries(box)) element.style[side] = `${value / zoom}px`;
  };

  /** Dialog and outline where they belong; of a thing too tall for the window, its upper part. */
  const place = () => {
    if (at < 0) return;
    const points = around(step().points);
    const spot = spotFor(kept());
    put(dialog(), spot);
    const ring = part("-ring");
    ring.hidden = !points;
    if (!points) return;
    const rim = spot.top < points.bottom ? points.bottom + RIM : Math.min(points.bottom + RIM, spot.top);
    const end = meets(spot, points) ? spot.top - GAP : rim;
    const top = points.top - RIM;
    const left = Math.max(points.left - RIM, 0);
    const right = Math.min(points.right + RIM, document.documentElement.clientWidth);
    put(ring, { left, top, width: right - left, height: Math.max(0, end - top) });
  };

  /** Scroll so that what is pointed at and the dialog stand in the window together. */
  const scroll = () => {
    const box = at < 0 ? null : kept();
    if (!box) return place();
    const room = innerHeight - (box.bottom - box.top) - size().height - RIM - 3 * GAP;
    const narrow = matchMedia(NARROW).matches;
    window.scrollBy({ top: box.top - GAP - (narrow ? 0 : Math.max(0, room / 2)), behavior: "instant" });
    place();
  };

  const setScale = (value) => {
    const input = slider();
    if (!input || Number(input.value) === value) return;
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  /** The first panel with its recorded comparison; nothing is asked of the model. */
  const setChat = () => {
    document.querySelector('.ph-personas [data-panel="0"][aria-pressed="false"]')?.click();
    document.querySelector('#ph-panel-0 .ph-choose [data-col="steered"]')?.click();
    phoque.recorded.show(0, phoque.recorded.opening(0));
    if (before.recorded) setScale(step().scale);
  };

  const write = () => {
    part(" #ph-tour-title").textContent = step().title;
    part(" #ph-tour-text").textContent = step().text;
    const places = [at + 1, data.steps.length];
    part("-place").textContent = data.place.replace(/\{\}/g, () => places.shift());
    part("-ask").hidden = !step().masked;
    part("-back").disabled = at === 0;
    part("-next").textContent = at + 1 < data.steps.length ? data.next : data.done;
    if (document.activeElement === part("-back") && at === 0) part("-next").focus({ preventScroll: true });
  };

  const go = async (to) => {
    at = to;
    follow = true;
    const visit = ++visits;
    write();
    place();
    if (step().tab === "chat") setChat();
    if (tabShown() !== step().tab) await phoque.openTab(step().tab);
    const there = await phoque.waited(() => visit !== visits || around(step().points));
    if (visit !== visits) return;
    if (!there) part(" #ph-tour-text").textContent = data.late;
    scroll();
  };

  const start = () => {
    if (at >= 0) return;
    data ??= JSON.parse(part("-data .ph-data").textContent);
    const panel = document.querySelector("#ph-panel-0");
    const recorded = panel.querySelector(".ph-recordings .ph-data") !== null;
    before = { from: document.activeElement, recorded, mode: panel.dataset.mode, scale: slider()?.value };
    dialog().hidden = false;
    document.body.style.paddingBottom = `${size().height + 4 * GAP}px`; // the last thing can be scrolled up
    grown.observe(document.querySelector(".gradio-container"));
    go(0);
    goAlong();
    part("-next").focus({ preventScroll: true });
  };

  /** End: the scale and a conversation come back as they were, and the focus goes where it came from. */
  const end = () => {
    at = -1;
    visits += 1;
    grown.disconnect();
    dialog().hidden = part("-ring").hidden = true;
    document.body.style.paddingBottom = "";
    const from = before.from?.isConnected && before.from !== document.body ? before.from : null;
    (from?.offsetParent ? from : part("-start")).focus({ preventScroll: true });
    if (!before.recorded) return;
    setScale(Number(before.scale));
    if (before.mode === "live") setTimeout(() => phoque.recorded.live(0), SETTLE_MS);
  };

  const move = (by) => {
    const to = at + by;
    if (to >= data.steps.length) end();
    else if (to >= 0) go(to);
  };

  /** The outline goes along with what it surrounds, whatever moves that; what comes late is told then. */
  const goAlong = (seen) => {
    if (at < 0) return;
    const box = around(step().points);
    const now = JSON.stringify(box);
    if (now !== seen) {
      if (box) part(" #ph-tour-text").textContent = step().text;
      place();
    }
    requestAnimationFrame(() => goAlong(now));
  };
  const grown = new ResizeObserver(() => (follow ? scroll() : place()));
  window.addEventListener("resize", () => at >= 0 && scroll());
  for (const kind of ["wheel", "touchmove", "pointerdown"])
    document.addEventListener(kind, () => (follow = false), { passive: true });

  document.addEventListener("keydown", (event) => {
    if (at < 0) return;
    const own = dialog().contains(event.target) || event.target === document.body;
    if (event.key === "Escape") end();
    else if (own && event.key === "ArrowRight") move(1);
    else if (own && event.key === "ArrowLeft") move(-1);
    else if (!own) follow = false;
  });

  const ACTS = {
    "ph-tour-start": start,
    "ph-tour-close": end,
    "ph-tour-back": () => move(-1),
    "ph-tour-next": () => move(1),
    "ph-tour-show": () => {
      phoque.toggleReveal();
      part("-next").focus({ preventScroll: true });
      scroll();
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest('button[class^="ph-tour-"]');
    if (button) ACTS[button.className]?.();
  });

  /** What a link asks for as the page opens: the tour, or a tab. */
  const openLinked = () => {
    if (new URLSearchParams(location.search).get("tour") === "1") start();
    else phoque.openLinked();
  };

  window.phoque.tour = { openLinked };
})();
