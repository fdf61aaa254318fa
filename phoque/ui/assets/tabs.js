// Tabs that open by link (?tab=psm&figure=layers) and by buttons, without a reload.
(() => {
  const LONGEST_WAIT_MS = 10_000;
  const STEP_MS = 100;

  /** The button of a tab; in a narrow window it may stand in the menu of those without room. */
  const buttonOf = (tab) => {
    const direct = document.querySelector(`[role="tab"][data-tab-id="${CSS.escape(tab)}"]`);
    const name = window.phoqueTabs[tab];
    const others = document.querySelectorAll(".overflow-dropdown button");
    return direct ?? [...others].find((one) => one.textContent.trim() === name);
  };

  /** Whatever `find` finds, as soon as it does. */
  const waited = (find) =>
    new Promise((done) => {
      const end = Date.now() + LONGEST_WAIT_MS;
      const look = () => {
        const found = find();
        if (found || Date.now() > end) done(found);
        else setTimeout(look, STEP_MS);
      };
      look();
    });

  const isPartOfNumber = (letter) => /[\d.]/.test(letter ?? "");

  /** Whether a text has this number, and not as a part of another one. */
  const tells = (text, number) => {
    const plain = text.replaceAll("\u00a0", " ");
    for (let at = plain.indexOf(number); at >= 0; at = plain.indexOf(number, at + 1)) {
      const end = at + number.length;
      const goesOn = /^\.?\d/.test(plain.slice(end));
      if (!isPartOfNumber(plain[at - 1]) && !goesOn) return true;
    }
    return false;
  };

  /** What tells a number within a section. */
  const teller = (section, number) =>
    [...section.querySelectorAll(".ph-reading, .ph-finding, .ph-table td, dd")].find((one) =>
      tells(one.textContent, number),
    );

  const sought = (place) => document.querySelector(`${place} .ph-sought`);

  /** Unfold what hides a number, and outline what tells it. */
  const point = async (place, number) => {
    for (const old of document.querySelectorAll(".ph-sought")) old.classList.remove("ph-sought");
    const section = document.querySelector(place);
    const found = number && (await waited(() => teller(section, number)));
    if (!found) return;
    for (let box = found.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    found.classList.add("ph-sought");
    found.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const SETTLES = 15_000; // milliseconds within which a slow machine has drawn a tab
  const MOVES = ["wheel", "touchstart", "pointerdown", "keydown"];

  /** Show it now, and again whenever the page grows, until the visitor moves. */
  const keepInView = (show) => {
    const observer = new ResizeObserver(show);
    const stop = () => {
      observer.disconnect();
      for (const move of MOVES) window.removeEventListener(move, stop);
    };
    for (const move of MOVES) window.addEventListener(move, stop, { passive: true });
    setTimeout(stop, SETTLES);
    observer.observe(document.body);
  };

  /** Press a drawer's button until it is open: a page that is still being built loses a press. */
  const unfold = (button) =>
    waited(() => {
      if (!button.matches("button:not(.open)")) return true;
      button.click();
    });

  /** Scroll to a section once it is there, open it, and tell a screen reader where it is. */
  const showSection = async (figure, number) => {
    const place = `#ph-section-${CSS.escape(figure)}`;
    const heading = await waited(() => document.querySelector(`${place} h2, ${place} > button`));
    if (!heading) return;
    if (!heading.matches("button")) heading.tabIndex = -1;
    unfold(heading);
    heading.focus({ preventScroll: true });
    keepInView(() => {
      heading.scrollIntoView({ block: "start" });
      sought(place)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    point(place, number);
  };

  const openTab = async (tab, figure, number) => {
    if (!(tab in window.phoqueTabs)) return;
    const button = await waited(() => buttonOf(tab));
    button?.click();
    if (figure) showSection(figure, number);
    else window.scrollTo({ top: 0 });
  };

  const openLinked = () => {
    const query = new URLSearchParams(location.search);
    const tab = query.get("tab");
    if (tab) openTab(tab, query.get("figure"));
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-tab]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new window is the browser's
    event.preventDefault();
    openTab(link.dataset.tab, link.dataset.figure, link.dataset.number);
  });

  Object.assign(window.phoque, { openLinked, openTab, waited });
})();
