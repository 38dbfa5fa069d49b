// One button per token. Existing buttons are kept while text is appended, so that streaming stays cheap,
// and one tab stop moves through the tokens with the arrow keys.
const LEVELS = [0.5, 0.2, 0.05, 0.01, 0]; // each from this probability on
const levelNames = () => [
  say("50 % or more"),
  say("20 to 50 %"),
  say("5 to 20 %"),
  say("1 to 5 %"),
  say("under 1 %"),
];
const PROMPT = 1;
const FORCED = 2;

const level = (p) => LEVELS.findIndex((from) => p >= from);

const percent = (p) => {
  if (p > 0 && p < 0.001) return say("under 0.1 %");
  return decimal(`${(100 * p).toFixed(1)} %`);
};

const surprise = (p) =>
  p > 0 ? say("{n} bits", { n: decimal((-Math.log2(p)).toFixed(1)) }) : say("more than 23 bits");

const describe = ([text, id, p, flags]) => {
  const parts = [quoted(visible(text)), `id ${id}`];
  if (p !== null)
    parts.push(say("probability {share}", { share: percent(p) }), say("surprise {bits}", { bits: surprise(p) }));
  if (flags & PROMPT) parts.push(say("from the prompt"));
  if (flags & FORCED) parts.push(say("chosen by hand"));
  return parts.join(" · ");
};

const makeLegend = () => {
  const legend = element("div", "legend quiet");
  legend.append(element("span", "legend-title", say("Probability of the token:")));
  levelNames().forEach((name, index) => {
    const item = element("span", "legend-item");
    const swatch = element("span", `swatch level-${index}`, "ab");
    swatch.setAttribute("aria-hidden", "true");
    item.append(swatch, element("span", "", name));
    legend.append(item);
  });
  const prompt = element("span", "legend-item");
  prompt.append(element("span", "swatch prompt", "ab"), element("span", "", say("prompt")));
  const forced = element("span", "legend-item");
  forced.append(element("span", "swatch forced", "ab"), element("span", "", say("chosen by hand")));
  legend.append(prompt, forced);
  return legend;
};

const paint = (button, row, index, byId) => {
  const [text, id, p, flags] = row;
  const endsLine = text.includes("\n");
  button.textContent = endsLine ? text.replaceAll("\r", "").replaceAll("\n", "↵") : text;
  const classes = ["token"];
  if (p !== null && !byId) classes.push(`level-${level(p)}`);
  if (flags & PROMPT) classes.push("prompt");
  if (flags & FORCED) classes.push("forced");
  if (endsLine) classes.push("newline");
  button.className = classes.join(" ");
  if (byId) tint(button, id);
  button.dataset.index = String(index);
  button.dataset.told = byId ? String(id) : p === null ? "" : percent(p); // shown to a room: token_strip.css
  button.setAttribute("aria-label", say("Token {place}: {token}", { place: String(index + 1), token: describe(row) }));
};

const build = (parentElement) => {
  const root = element("div", "root");
  const strip = element("div", "strip");
  strip.setAttribute("role", "group");
  const tip = element("div", "tip");
  tip.setAttribute("aria-hidden", "true"); // the button's own label says the same
  root.append(strip, tip);
  parentElement.append(root);
  const state = { root, strip, tip, rows: [], buttons: [], breaks: [], stop: 0, selected: null, send: null };

  const show = (index) => {
    const button = state.buttons[index];
    showTip(tip, root, button.getClientRects()[0] ?? button.getBoundingClientRect(), describe(state.rows[index]));
  };
  const hide = () => tip.classList.remove("shown");
  strip.addEventListener("pointerover", (event) => {
    const index = indexAt(event);
    if (index !== null) show(index);
  });
  strip.addEventListener("pointerleave", hide);
  rove(strip, state, show);
  strip.addEventListener("focusout", hide);
  strip.addEventListener("click", (event) => {
    const index = indexAt(event);
    if (index !== null) state.send("clicked", index);
  });
  strip.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  return state;
};

const same = (a, b) => a !== undefined && a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.strip.setAttribute("aria-label", data.label);

  const fresh = document.createDocumentFragment();
  data.tokens.forEach((row, index) => {
    let button = state.buttons[index];
    if (button === undefined) {
      button = element("button");
      button.type = "button";
      button.tabIndex = -1;
      const lineBreak = element("span", "break");
      state.buttons.push(button);
      state.breaks.push(lineBreak);
      fresh.append(button, lineBreak);
    }
    if (state.byId !== data.byId || !same(state.rows[index], row)) {
      paint(button, row, index, data.byId);
      state.breaks[index].textContent = "\n".repeat((row[0].match(/\n/g) ?? []).length);
    }
  });
  state.strip.append(fresh);
  while (state.buttons.length > data.tokens.length) {
    state.buttons.pop().remove();
    state.breaks.pop().remove();
  }
  state.rows = data.tokens;
  state.byId = data.byId;
  stopAt(state, Math.max(0, Math.min(state.stop, data.tokens.length - 1)));

  if (state.selected !== data.selected) {
    state.buttons[state.selected]?.removeAttribute("aria-current");
    state.selected = data.selected;
  }
  if (data.selected !== null) state.buttons[data.selected]?.setAttribute("aria-current", "true");

  const legend = state.root.querySelector(".legend");
  if (data.legend && !legend) state.root.append(makeLegend());
  if (!data.legend && legend) legend.remove();
  savable(state.root, data.label, "", () => [
    ["place", "token", "id", "probability", "prompt", "by hand"],
    ...data.tokens.map(([text, id, p, flags], index) => [index + 1, text, id, p, flags & PROMPT, (flags & FORCED) / FORCED]),
  ]);
}
