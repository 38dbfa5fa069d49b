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

// A token on one line: white space and line ends as symbols, nothing as ∅.
const visible = (text) =>
  text.replaceAll("\r", "␍").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣") || "∅";
