// What the page does without asking the server. Replies start hidden at every load.
(() => {
  /** An element with text, which is never read as markup. */
  const element = (name, className = "", text = "", more = {}) =>
    Object.assign(document.createElement(name), { className, textContent: text, ...more });

  const masked = (text) => text.replace(/\S/gu, "•");

  /** Text that is hidden until revealed, twice: readable, and its shape. */
  const secret = (text, what = "Text") => {
    const mask = element("div", "ph-mask", masked(text), { ariaHidden: "true" });
    const note = `${what} hidden. Press Show replies to read it.`;
    return [element("div", "ph-real", text), mask, element("span", "ph-sr ph-hidden-note", note)];
  };

  /** Say of each button whether it is pressed. */
  const setPressed = (buttons, isPressed) => {
    for (const one of buttons) one.setAttribute("aria-pressed", String(isPressed(one)));
  };

  /** Mark one button of a group as pressed. */
  const press = (button) =>
    setPressed(button.closest("[role=group], table").querySelectorAll("button"), (other) => other === button);

  const announce = (text) => {
    const lines = [...document.querySelectorAll(".ph-panel .ph-status")];
    (lines.find((line) => line.offsetParent) ?? lines[0]).textContent = text;
  };

  // Gradio's buttons cannot carry this attribute from Python.
  const marked = () => {
    const revealed = document.body.classList.contains("ph-revealed");
    for (const button of document.querySelectorAll(".ph-show, .ph-reveal-toggle")) {
      button.setAttribute("aria-pressed", String(revealed));
      button.textContent = revealed ? "Hide replies" : "Show replies";
    }
  };

  // Larger for a projector: ?stage=1, or a button among the settings.
  const page = document.documentElement.classList;
  const markedStage = () => setPressed(document.querySelectorAll(".ph-stage-size"), () => page.contains("ph-stage"));

  const start = () => {
    marked();
    page.toggle("ph-stage", new URLSearchParams(location.search).get("stage") === "1");
    window.phoque.recorded.start();
  };

  const toggleReveal = () => {
    document.body.classList.toggle("ph-revealed");
    marked();
  };

  const download = (text, name = "phoque.json", type = "application/json") => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    URL.revokeObjectURL(url);
  };

  const copy = async (text, said) => {
    try {
      await navigator.clipboard.writeText(text);
      announce(said);
    } catch {
      announce("The browser refused access to the clipboard.");
    }
  };

  /** The message in the box, or else the one whose replies are shown: who copies the link asks for it. */
  const copyLink = (number, values) => {
    const p = values.p || window.phoque.recorded.said(number);
    const given = Object.entries({ ...values, p: p || null }).filter(([, value]) => value !== null);
    const query = new URLSearchParams(given);
    return copy(`${location.origin}${location.pathname}?${query}`, "Link copied.");
  };

  /** What the page asks as a call of the library. A JSON string is a Python literal, too. */
  const copyPython = (number, opening, prompt, values) => {
    const asked = prompt || window.phoque.recorded.said(number);
    if (!asked) return announce("There is no message to copy yet. Write one, or pick an example.");
    const given = Object.entries(values).filter(([, value]) => value !== null);
    const lines = [JSON.stringify(asked), ...given.map(([name, value]) => `${name}=${value}`)];
    const shown = 'print(answers.neutral.text, answers.toxic.text, answers.steered.text, sep="\\n")';
    const call = ["answers = lab.compare(", ...lines.map((line) => `    ${line},`), ")"];
    return copy([opening, ...call, shown, ""].join("\n"), "Python copied.");
  };

  const copyColumn = (button) => {
    const lines = button.closest(".ph-column").querySelectorAll(".ph-you, .ph-real");
    return copy([...lines].map((line) => line.textContent).join("\n\n"), "Column copied.");
  };

  // What a field holds now counts; `order` is older. A field that keeps its value is not written to:
  // the page would do it a moment later, over what was typed meanwhile.
  const KEEP = { __type__: "update" };
  const fill = (order, fields) => {
    const { was, becomes } = JSON.parse(order);
    const same = (one, other) => (one ?? "") === (other ?? ""); // null is an empty field, too
    return fields.map((now, place) =>
      same(now, was[place]) && !same(now, becomes[place]) ? becomes[place] : KEEP,
    );
  };

  // What is typed beside a slider: the server refuses an empty or a too large number, and the visitor reads nothing
  // of it. So it is not sent; once it is entered, it becomes the nearest number that the slider has.
  const RANGE = "[data-testid=range-input]";
  const beside = (event) =>
    event.target.matches?.("[data-testid=number-input]") &&
    event.target.closest(".block")?.querySelector(RANGE);
  const withheld = (field, slider) =>
    field.value === "" || Number(field.value) < Number(slider.min) || Number(field.value) > Number(slider.max);
  const typed = (event) => {
    const field = event.target, slider = beside(event);
    if (!slider || !withheld(field, slider)) return;
    if (event.type === "input") return event.stopPropagation();
    const nearest = Math.min(Math.max(Number(field.value), Number(slider.min)), Number(slider.max));
    field.value = field.value === "" ? slider.value : nearest;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  for (const kind of ["input", "change"]) document.addEventListener(kind, typed, true);

  // What is pressed is numbered. A run is asked for with its number and that of the place's last Stop.
  let presses = 0;
  const stops = {};
  const asked = (place) => `${(presses += 1)} ${stops[place] ?? 0}`;
  const stopped = (place) => `${(stops[place] = presses += 1)}`;

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".ph-copy");
    if (button) copyColumn(button);
    if (event.target.closest(".ph-reveal-toggle")) toggleReveal();
    if (event.target.closest(".ph-stage-size")) page.toggle("ph-stage");
    setTimeout(markedStage, 100); // settings are drawn when they are opened
  });

  window.phoque = {
    element, masked, secret, press, setPressed, // for the other scripts
    start, marked, toggleReveal, download, copyLink, copyPython, fill, asked, stopped,
  };
})();
