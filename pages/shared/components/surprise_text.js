// One button per stretch, one tab stop for all of them; the numbers are in the button's label and in the tip.
const UNKNOWN = 9;

const classOf = (level, signed) => {
  if (level === UNKNOWN) return "unknown";
  if (!signed) return `level-${level}`;
  if (level === 0) return "same";
  return level > 0 ? `more-${level}` : `less-${-level}`;
};

const describe = ([text, , note]) => `${quoted(visible(text))} · ${note}`;

const build = (parentElement) => {
  const root = element("div", "root");
  const strip = element("div", "strip");
  strip.setAttribute("role", "group");
  const legend = element("div", "legend quiet");
  const tip = element("div", "tip");
  tip.setAttribute("aria-hidden", "true"); // the button's own label says the same
  root.append(strip, legend, tip);
  parentElement.append(root);
  const state = { root, strip, legend, tip, rows: [], buttons: [], stop: 0, seen: "", send: null };

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
  strip.addEventListener("scroll", hide);
  strip.addEventListener("click", (event) => {
    const index = indexAt(event);
    if (index !== null) state.send("clicked", index);
  });
  strip.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  return state;
};

const draw = (state, data) => {
  state.rows = data.rows;
  state.buttons = [];
  const signed = data.levels.some(([level]) => level < 0);
  const fresh = document.createDocumentFragment();
  data.rows.forEach((row, index) => {
    const [text, level] = row;
    const endsLine = text.includes("\n");
    const shown = endsLine ? text.replaceAll("\r", "").replaceAll("\n", "↵") : text;
    const button = element("button", `piece ${classOf(level, signed)}`, shown);
    button.type = "button";
    button.tabIndex = index === 0 ? 0 : -1;
    button.dataset.index = String(index);
    button.setAttribute("aria-label", describe(row));
    button.dataset.told = row[2].match(/[\d.,]+( ?%)?/)?.[0] ?? ""; // shown to a room: surprise_text.css
    state.buttons.push(button);
    fresh.append(button);
    if (endsLine) fresh.append("\n".repeat(text.match(/\n/g).length));
  });
  state.stop = 0;
  state.strip.replaceChildren(fresh);
  const legend = document.createDocumentFragment();
  legend.append(element("span", "", data.title));
  for (const [level, label] of data.levels) {
    const item = element("span", "legend-item");
    const swatch = element("span", `swatch ${classOf(level, signed)}`, "ab");
    swatch.setAttribute("aria-hidden", "true");
    item.append(swatch, element("span", "", label));
    legend.append(item);
  }
  state.legend.replaceChildren(legend);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.strip.setAttribute("aria-label", data.label);
  const seen = JSON.stringify([data.rows, data.levels]);
  if (seen !== state.seen) draw(state, data);
  state.seen = seen;
  state.buttons.forEach((button, index) => {
    if (index === data.selected) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
  const levels = new Map(data.levels);
  savable(state.root, data.label, "", () => [
    ["text", "level", "note"],
    ...data.rows.map(([text, level, note]) => [text, levels.get(level), note]),
  ]);
}
