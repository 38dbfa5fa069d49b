// Put before the script of every component: what they share.

// A colour for each token id, the same on every page; neighbouring ids lie far apart (steps of the golden angle).
// `--hue` is read by the class `tinted` in common.css. pages/shared/token_colors.py computes the same hue.
const tokenHue = (id) => (id * 137.508) % 360;
const tint = (element, id) => {
  element.classList.add("tinted");
  element.style.setProperty("--hue", tokenHue(id).toFixed(1));
};

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

// What a component keeps between two drawings of the same place on the page; built anew when the place is new.
const states = new WeakMap();
const stateOf = (parentElement, build) => {
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = build(parentElement);
    states.set(parentElement, state);
  }
  return state;
};

// The reader's language, and the component's messages in it: English → translation. Both come with the data
// (pages/shared/components/mount.py), none of it for a reader of English.
let language = "en";
let translations = {};
let decimalMark = ".";
const spokenIn = new WeakMap();

// What every component that holds words does first. A place built for a reader of another language is built anew.
const speak = (data, parentElement) => {
  ({ language = "en", words: translations = {} } = data.spoken ?? {});
  decimalMark = language === "en" ? "." : (0.5).toLocaleString(language)[1];
  if ((spokenIn.get(parentElement) ?? language) !== language) states.get(parentElement)?.root.remove();
  spokenIn.set(parentElement, language);
};

// A count with the separators of the reader's language.
const grouped = (n) => n.toLocaleString(language);

// The text of a number with the decimal mark of the reader's language, its per cent sign on the same line.
const decimal = (text) =>
  language === "en" ? text : text.replace(".", decimalMark).replace(" %", "\u00a0%");

// A message in the reader's language, `{name}` filled with `values.name`, and numbers among them grouped. The message
// is one literal between double quotes, so that it is found for translation.
const say = (message, values = {}) =>
  (translations[message] ?? message).replace(/\{(\w+)\}/g, (whole, name) => {
    if (!(name in values)) return whole;
    return typeof values[name] === "number" ? grouped(values[name]) : values[name];
  });

const quoted = (text) => say("“{text}”", { text });

// A colour of the theme, by the name of its CSS variable, as [red, green, blue].
const rgb = (host, name) => {
  const probe = element("span");
  probe.style.color = `var(${name})`;
  host.append(probe);
  const found = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return found;
};

// Draw again when the theme has changed, for as long as `root` stands on the page: a canvas keeps its old colours.
const redraws = new WeakMap();
const onThemeChange = (root, redraw) => {
  redraws.set(root, redraw);
  const query = matchMedia("(prefers-color-scheme: dark)");
  const changed = () =>
    setTimeout(() => (root.isConnected ? redraw() : query.removeEventListener("change", changed)), 300);
  query.addEventListener("change", changed);
  const enlarged = () => (root.isConnected ? redraw() : window.removeEventListener("llm-projector", enlarged));
  window.addEventListener("llm-projector", enlarged);
};

// Whether the page is shown to a room (projector_style.js): then values are written that otherwise pointing tells.
const projected = () => document.documentElement.hasAttribute("data-projector");

// The numbers of a grid in its cells, over the canvas in `board`: where the page is shown to a room and there is room.
const writeValues = (board, rows, columns, text) => {
  board.querySelector(".values")?.remove();
  const box = board.getBoundingClientRect();
  if (!projected() || Math.max(rows, columns) > 24 || box.width / columns < 30 || box.height / rows < 15) return;
  const values = element("div", "values");
  values.setAttribute("aria-hidden", "true"); // the board reads them by arrow keys
  values.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) {
      const cell = element("span");
      const written = text(row, column);
      if (written) cell.append(element("b", "", written));
      values.append(cell);
    }
  board.append(values);
};

// A token on one line: white space and line ends as symbols, nothing as ∅.
const visible = (text) =>
  text.replaceAll("\r", "␍").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";

// The number of the thing in a row that an event came from, or null beside all of them.
const indexAt = (event) => {
  const item = event.target.closest?.("[data-index]");
  return item ? Number(item.dataset.index) : null;
};

// Of the things in `state.buttons` one is a stop of the tab key: number `state.stop`.
const stopAt = (state, index) => {
  state.buttons[state.stop]?.setAttribute("tabindex", "-1");
  state.stop = index;
  state.buttons[index]?.setAttribute("tabindex", "0");
};

// A row of things with one tab stop, which follows the focus; arrow keys, Home and End move it. `reached` gets the number
// of the thing that has the focus now.
const rove = (row, state, reached) => {
  row.addEventListener("focusin", (event) => {
    const index = indexAt(event);
    if (index === null) return;
    stopAt(state, index);
    reached(index);
  });
  row.addEventListener("keydown", (event) => {
    const last = state.buttons.length - 1;
    const target = {
      ArrowRight: Math.min(state.stop + 1, last),
      ArrowLeft: Math.max(state.stop - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    state.buttons[target].focus();
  });
};

// A tip above a place in `root`, or below it where there is no room; `box` is the place's rectangle.
const showTip = (tip, root, box, text) => {
  tip.textContent = text;
  tip.classList.add("shown");
  const outer = root.getBoundingClientRect();
  const left = Math.max(0, Math.min(box.left - outer.left, outer.width - tip.offsetWidth));
  const above = box.top - outer.top - tip.offsetHeight - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above < 0 ? box.bottom - outer.top + 6 : above}px`;
};

// “Save” under a figure: `root` as a picture, a drawing and a page, and `table` (what makes [head, ...rows]) as data.
// What the button opens is figure_saver.js, which a page has once.
const saved = new WeakMap();
const savable = (root, title, summary, table) => {
  if (!saved.has(root)) {
    const bar = element("div", "save-bar");
    const opener = element("button");
    opener.type = "button";
    opener.setAttribute("aria-expanded", "false");
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const arrow = document.createElementNS("http://www.w3.org/2000/svg", "path");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    arrow.setAttribute("d", "M12 4v11M7 10l5 5 5-5M5 20h14");
    icon.append(arrow);
    opener.append(icon, say("Save"));
    bar.append(opener);
    root.parentNode.querySelector(".save-bar")?.remove();
    root.after(bar);
    const figure = { root, bar, opener, repaint: () => redraws.get(root)?.() };
    saved.set(root, figure);
    const press = () => globalThis[Symbol.for("llm_lessons.saver")]?.(figure);
    opener.addEventListener("click", press);
    bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || opener.getAttribute("aria-expanded") !== "true") return;
      press();
      opener.focus();
    });
  }
  const figure = saved.get(root);
  figure.opener.setAttribute("aria-label", `${say("Save")}: ${title}`);
  Object.assign(figure, { title, summary, table });
};
