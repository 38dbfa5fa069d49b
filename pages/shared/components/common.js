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
const onThemeChange = (root, redraw) => {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const changed = () =>
    setTimeout(() => (root.isConnected ? redraw() : query.removeEventListener("change", changed)), 300);
  query.addEventListener("change", changed);
};

// A token on one line: white space and line ends as symbols, nothing as ∅.
const visible = (text) =>
  text.replaceAll("\r", "␍").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";
