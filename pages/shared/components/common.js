// Put before the script of every component: what they share.

// A colour for each token id, the same on every page; neighbouring ids lie far apart (steps of the golden angle).
// `--hue` is read by the class `tinted` in common.css. pages/shared/token_colors.py computes the same hue.
const tokenHue = (id) => (id * 137.508) % 360;
const tint = (element, id) => {
  element.classList.add("tinted");
  element.style.setProperty("--hue", tokenHue(id).toFixed(1));
};
