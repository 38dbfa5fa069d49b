// Tokens are buttons with one tab stop; arcs are lines behind them. Pointing at a token or focusing it brings out what
// it reads.
const SVG = "http://www.w3.org/2000/svg";
const NARROW = 620;
const LINE = 26;
const hint = () => say("Point at a token, or use the arrow keys, to see what it reads; click or Enter locks it.");

const build = (parentElement) => {
  const root = element("div", "root");
  const scroll = element("div", "scroll");
  const stage = element("div", "stage");
  stage.setAttribute("role", "group");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true"); // the buttons and the readout say the same
  stage.append(svg);
  scroll.append(stage);
  const readout = element("div", "readout", hint());
  readout.setAttribute("aria-live", "polite");
  root.append(scroll, readout);
  parentElement.append(root);
  const state = { root, stage, svg, readout, stop: 0, data: null, send: null, buttons: [] };
  stage.addEventListener("pointerover", (event) => light(state, indexAt(event)));
  stage.addEventListener("pointerleave", () => light(state, null));
  stage.addEventListener("focusin", (event) => {
    const index = indexAt(event);
    if (index === null) return;
    stopAt(state, index);
    light(state, index);
  });
  stage.addEventListener("focusout", () => light(state, null));
  stage.addEventListener("click", (event) => {
    const index = indexAt(event);
    if (index !== null) state.send("clicked", index);
  });
  stage.addEventListener("keydown", (event) => {
    const last = state.data.tokens.length - 1;
    const target = {
      ArrowRight: state.stop + 1,
      ArrowDown: state.stop + 1,
      ArrowLeft: state.stop - 1,
      ArrowUp: state.stop - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    state.buttons[Math.max(0, Math.min(target, last))].focus();
  });
  new ResizeObserver(() => state.data && draw(state)).observe(root);
  return state;
};

const light = (state, index) => {
  const { tokens, arcs } = state.data;
  state.stage.classList.toggle("dimmed", index !== null);
  for (const line of state.svg.children) line.classList.toggle("lit", Number(line.dataset.row) === index);
  if (index === null) {
    state.readout.textContent = hint();
    return;
  }
  const found = arcs.filter(([row]) => row === index);
  const most = found
    .slice(0, 5)
    .map(([, column, weight]) => `${column} ${quoted(visible(tokens[column]))} ${decimal(weight.toFixed(3))}`);
  const values = { token: `${index} ${quoted(visible(tokens[index]))}`, others: most.join(", "), n: found.length - 5 };
  if (!found.length) state.readout.textContent = say("{token} reads nothing that is drawn", values);
  else if (found.length <= 5) state.readout.textContent = say("{token} reads {others}", values);
  else state.readout.textContent = say("{token} reads {others} and {n} more", values);
};

const draw = (state) => {
  const wide = state.root.clientWidth;
  if (!wide || (state.drawn === state.data && state.wide === wide)) return;
  const focused = state.root.getRootNode().activeElement?.dataset?.index;
  Object.assign(state, { drawn: state.data, wide });
  state.buttons = [];
  state.svg.replaceChildren();
  for (const old of [...state.stage.children]) if (old !== state.svg) old.remove();
  (wide < NARROW ? inColumns : inARow)(state, wide);
  stopAt(state, Math.min(state.stop, state.buttons.length - 1));
  if (focused !== undefined) state.buttons[Math.min(Number(focused), state.buttons.length - 1)].focus();
};

const button = (state, index, className) => {
  const { tokens, ids, locked } = state.data;
  const made = element("button", `token ${className}`, visible(tokens[index]));
  made.type = "button";
  made.tabIndex = -1;
  made.dataset.index = String(index);
  const token = quoted(visible(tokens[index]));
  made.setAttribute("aria-label", say("Token {place}: {token}", { place: String(index), token }));
  made.setAttribute("aria-pressed", String(index === locked));
  tint(made, ids[index]);
  state.stage.append(made);
  return made;
};

const place = (made, left, top, width, height) =>
  Object.assign(made.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });

const line = (state, [row, column, weight], path) => {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", column > row ? "arc ahead" : "arc");
  made.setAttribute("d", path);
  made.setAttribute("stroke-width", (0.8 + (row === column ? 3 : 7) * weight).toFixed(2)); // loops are small
  made.setAttribute("stroke-opacity", (0.2 + 0.7 * weight).toFixed(2));
  made.style.setProperty("--hue", tokenHue(state.data.ids[column]).toFixed(1));
  made.dataset.row = String(row);
  state.svg.prepend(made); // the strongest come first, and end on top
};

const inARow = (state, wide) => {
  const { tokens, arcs } = state.data;
  const step = Math.min(96, Math.max(19, (wide - 2) / tokens.length));
  const longest = Math.max(...tokens.map((text) => [...visible(text)].length));
  const upright = longest * 9 + 10 > step;
  const labelHeight = upright ? Math.min(130, longest * 8.5 + 12) : 26;
  const across = (index) => (index + 0.5) * step;
  const farthest = Math.max(1, ...arcs.map(([row, column]) => Math.abs(row - column)));
  const height = Math.min(260, Math.max(70, farthest * step * 0.5));
  const base = height + 8;
  Object.assign(state.stage.style, { width: `${step * tokens.length}px`, height: `${base + labelHeight + 4}px` });
  tokens.forEach((_, index) => {
    const made = button(state, index, upright ? "upright" : "");
    place(made, across(index) - step / 2 + 1, base + 2, step - 2, labelHeight);
    state.buttons.push(made);
  });
  for (const arc of arcs) {
    const [row, column] = arc;
    const [from, to] = [across(row), across(column)];
    const high = base - 14 - (height - 22) * Math.sqrt(Math.abs(row - column) / farthest);
    const path =
      row === column
        ? `M${from - 5} ${base} C${from - 12} ${base - 26} ${from + 12} ${base - 26} ${from + 5} ${base}`
        : `M${from} ${base} C${from} ${high} ${to} ${high} ${to} ${base}`;
    line(state, arc, path);
  }
};

const inColumns = (state, wide) => {
  const { tokens, arcs } = state.data;
  const width = Math.min(130, wide * 0.36);
  const top = 26;
  const down = (index) => top + (index + 0.5) * LINE;
  Object.assign(state.stage.style, { width: `${wide}px`, height: `${top + tokens.length * LINE}px` });
  const heading = (text, side) => {
    const made = element("span", "heads quiet", text);
    made.style[side] = "0";
    state.stage.append(made);
  };
  heading(say("reads"), "left");
  heading(say("is read"), "right");
  tokens.forEach((text, index) => {
    const made = button(state, index, "left");
    place(made, 0, down(index) - LINE / 2 + 1, width, LINE - 2);
    state.buttons.push(made);
    const read = element("span", "token right", visible(text));
    tint(read, state.data.ids[index]);
    read.setAttribute("aria-hidden", "true");
    place(read, wide - width, down(index) - LINE / 2 + 1, width, LINE - 2);
    state.stage.append(read);
  });
  const [from, to] = [width + 2, wide - width - 2];
  const bend = (to - from) / 2;
  for (const arc of arcs) {
    const [row, column] = arc.slice(0, 2).map(down);
    line(state, arc, `M${from} ${row} C${from + bend} ${row} ${to - bend} ${column} ${to} ${column}`);
  }
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  state.stage.setAttribute("aria-label", data.summary);
  draw(state);
  light(state, null);
  savable(state.root, say("Attention as arcs"), data.summary, () => [
    ["row", "token", "column", "reads", "weight"],
    ...data.arcs.map(([row, column, weight]) => [row, data.tokens[row], column, data.tokens[column], weight]),
  ]);
}
