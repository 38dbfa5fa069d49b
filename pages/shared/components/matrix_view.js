// One button a cell, one tab stop for all of them; the arrow keys move it. The operands are canvases, one pixel a
// number, with a frame around the row and the column that meet in the cell one points at.
const WRITTEN_FROM = 34; // pixels a cell needs for its number
const ROOMY_FROM = 46;

const floats = (text) => {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  return new Float32Array(bytes.buffer);
};

const written = (value, share) => {
  if (value === -Infinity) return "−∞";
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = size.toFixed(digits);
  if (share && size < 1) return text === "1.00" ? "1" : decimal(text.replace(/^0\./, "."));
  return (value < 0 && Number(text) !== 0 ? "−" : "") + decimal(text);
};

const exact = (value) => {
  if (value === -Infinity) return "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1000 || size < 0.001 ? size.toExponential(2).replace("e-", "e−") : size.toPrecision(4);
  return (value < 0 ? "−" : "") + decimal(text);
};

const build = (parentElement) => {
  const state = { buttons: [], stop: 0, selected: null, size: "", amounts: "" };
  state.root = element("div", "root");
  state.title = element("span", "title");
  state.shape = element("span", "shape quiet");
  const head = element("div", "head");
  head.append(state.title, state.shape);
  state.leftName = element("div", "left-name quiet");
  state.topName = element("div", "top-name quiet");
  state.corner = element("div", "corner quiet");
  state.left = operand("left");
  state.top = operand("top");
  state.rowLabels = element("div", "row-labels");
  state.columnLabels = element("div", "column-labels");
  state.cells = element("div", "cells");
  state.cells.setAttribute("role", "group");
  state.frame = element("div", "frame");
  state.frame.append(
    state.topName, state.top.box, state.leftName, state.corner, state.columnLabels, state.left.box, state.rowLabels,
    state.cells,
  );
  const scroll = element("div", "scroll");
  scroll.append(state.frame);
  state.readout = element("span", "readout");
  state.readout.setAttribute("aria-live", "polite");
  state.legend = element("span", "legend quiet");
  const foot = element("div", "foot");
  foot.append(state.readout, state.legend);
  state.root.append(head, scroll, foot);
  parentElement.append(state.root);

  const indexOf = (event) => {
    const button = event.target.closest?.("button.cell");
    return button ? Number(button.dataset.index) : null;
  };
  state.cells.addEventListener("pointerover", (event) => {
    const index = indexOf(event);
    if (index !== null) point(state, index);
  });
  state.cells.addEventListener("pointerleave", () => rest(state));
  state.cells.addEventListener("focusin", (event) => {
    const index = indexOf(event);
    if (index === null) return;
    moveStop(state, index);
    point(state, index);
  });
  state.cells.addEventListener("focusout", () => rest(state));
  state.cells.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index === null) return;
    choose(state, index);
    const width = state.data.columns.texts.length;
    state.send("clicked", [Math.floor(index / width), index % width]);
  });
  state.cells.addEventListener("keydown", (event) => {
    const width = state.data.columns.texts.length;
    const height = state.data.rows.texts.length;
    const row = Math.floor(state.stop / width);
    const column = state.stop % width;
    const target = {
      ArrowRight: [row, Math.min(column + 1, width - 1)],
      ArrowLeft: [row, Math.max(column - 1, 0)],
      ArrowDown: [Math.min(row + 1, height - 1), column],
      ArrowUp: [Math.max(row - 1, 0), column],
      Home: [row, 0],
      End: [row, width - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    state.buttons[target[0] * width + target[1]].focus();
  });
  new ResizeObserver(() => fit(state)).observe(state.cells);
  onThemeChange(state.root, () => [state.left, state.top].forEach((each) => paint(state, each, true)));
  return state;
};

const operand = (side) => {
  const box = element("div", `operand ${side}`);
  const canvas = element("canvas");
  const band = element("div", "band");
  box.setAttribute("role", "img");
  box.append(canvas, band);
  return { side, box, canvas, band, drawn: "" };
};

const moveStop = (state, index) => {
  state.buttons[state.stop]?.setAttribute("tabindex", "-1");
  state.stop = index;
  state.buttons[index]?.setAttribute("tabindex", "0");
};

const name = (labels, index) =>
  labels.ids ? `${quoted(visible(labels.texts[index]))} (${index})` : labels.texts[index];

const describe = (state, index) => {
  const { rows, columns } = state.data;
  const width = columns.texts.length;
  const row = Math.floor(index / width);
  const value = exact(state.values[index]);
  const marks = [];
  if (state.hatched.has(index)) marks.push(state.data.hatchedMeans);
  if (state.crossed.has(index)) marks.push(state.data.crossedMeans);
  const note = marks.length ? `, ${marks.join(", ")}` : "";
  const place = { row: `${rows.name} ${name(rows, row)}`, column: `${columns.name} ${name(columns, index % width)}` };
  return say("{row}, {column}: {value}", { ...place, value: value + note });
};

const point = (state, index) => {
  const width = state.data.columns.texts.length;
  const row = Math.floor(index / width);
  const column = index % width;
  state.readout.textContent = describe(state, index);
  state.root.querySelectorAll(".label.at").forEach((each) => each.classList.remove("at"));
  state.rowLabels.children[row]?.classList.add("at");
  state.columnLabels.children[column]?.classList.add("at");
  const height = state.data.rows.texts.length;
  Object.assign(state.left.band.style, { top: `${(100 * row) / height}%`, height: `${100 / height}%` });
  Object.assign(state.top.band.style, { left: `${(100 * column) / width}%`, width: `${100 / width}%` });
};

// Back to the chosen cell, when neither the pointer nor the focus is on another.
const rest = (state) => {
  if (state.selected !== null) point(state, state.selected);
  else state.readout.textContent = say("Point at a cell, or use the arrow keys, to read its number.");
};

const choose = (state, index) => {
  if (state.selected !== null && state.buttons[state.selected]) {
    state.buttons[state.selected].classList.remove("chosen");
    state.buttons[state.selected].removeAttribute("aria-current");
  }
  state.selected = index;
  if (index === null) return;
  state.buttons[index].classList.add("chosen");
  state.buttons[index].setAttribute("aria-current", "true");
};

const paint = (state, side, again = false) => {
  const data = state.data?.[side.side];
  side.box.hidden = !data;
  if (!data || (!again && side.drawn === data.values)) return;
  side.drawn = data.values;
  const values = floats(data.values);
  const [low, middle, high] = ["--st-blue-color", "--st-background-color", "--st-orange-color"].map((each) =>
    rgb(state.root, each),
  );
  side.canvas.width = data.columns;
  side.canvas.height = data.rows;
  const context = side.canvas.getContext("2d");
  const image = context.createImageData(data.columns, data.rows);
  values.forEach((value, index) => {
    const end = value < 0 ? low : high;
    const amount = Math.min(1, Math.abs(value) / data.scale);
    for (let channel = 0; channel < 3; channel += 1)
      image.data[4 * index + channel] = middle[channel] + amount * (end[channel] - middle[channel]);
    image.data[4 * index + 3] = 255;
  });
  context.putImageData(image, 0, 0);
  const size = { name: data.name, rows: String(data.rows), columns: String(data.columns) };
  side.box.setAttribute("aria-label", say("{name}: {rows} rows, {columns} columns, drawn as colours", size));
};

// Numbers where they fit; under them the colours stay pale enough for the text.
const fit = (state) => {
  if (!state.data || !state.buttons.length) return;
  const width = state.buttons[0].getBoundingClientRect().width;
  if (!width) return;
  const size = width >= ROOMY_FROM ? "roomy" : width >= WRITTEN_FROM ? "narrow" : "none";
  const every = state.data.columns.ids ? 1 : Math.max(1, Math.ceil(16 / (width + 1)));
  [...state.columnLabels.children].forEach((label, index) => label.classList.toggle("thin", index % every !== 0));
  const stamp = `${size}:${state.stamp}`;
  if (state.amounts === stamp) return;
  state.amounts = stamp;
  const most = size === "none" ? 95 : 48;
  state.buttons.forEach((button, index) => {
    const value = state.values[index];
    const amount = Number.isFinite(value) ? Math.min(1, Math.abs(value) / state.data.scale) : 0;
    const classes = ["cell", state.data.share ? "share" : value < 0 ? "down" : "up"];
    if (state.hatched.has(index)) classes.push("hatched");
    if (state.crossed.has(index)) classes.push("crossed");
    if (size === "narrow") classes.push("narrow");
    if (index === state.selected) classes.push("chosen");
    button.className = classes.join(" ");
    button.style.setProperty("--amount", `${(most * amount).toFixed(1)}%`);
    const mark = state.crossed.has(index) ? "×" : written(value, state.data.share);
    button.textContent = size === "none" ? "" : mark;
  });
};

const label = (labels, index) => {
  const made = element("div", "label", labels.ids ? visible(labels.texts[index]) : labels.texts[index]);
  made.title = made.textContent;
  if (labels.ids) tint(made, labels.ids[index]);
  return made;
};

const legend = (state) => {
  const { data } = state;
  const scale = element("span");
  const ramp = element("span", data.share ? "ramp share" : "ramp");
  scale.append(data.share ? "0" : exact(-data.scale), ramp, exact(data.scale));
  const items = [scale];
  for (const [marked, kind, text] of [
    [state.hatched, "hatched", data.hatchedMeans],
    [state.crossed, "crossed", data.crossedMeans],
  ]) {
    if (!marked.size) continue;
    const item = element("span");
    const swatch = element("span", `swatch ${kind}`, kind === "crossed" ? "×" : "");
    item.append(swatch, text);
    items.push(item);
  }
  state.legend.replaceChildren(...items);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  state.values = floats(data.values);
  state.hatched = new Set(data.hatched ?? []);
  state.crossed = new Set(data.crossed ?? []);
  state.stamp = `${data.values}:${data.hatched}:${data.crossed}:${data.share}:${data.scale}`;
  const height = data.rows.texts.length;
  const width = data.columns.texts.length;
  state.title.textContent = data.title;
  state.shape.textContent = data.shape;
  const told = { label: `${data.title}. ${data.summary}` };
  state.cells.setAttribute("aria-label", say("{label} Arrow keys read the numbers, Enter chooses.", told));
  state.frame.classList.toggle("bare", !data.left);
  state.root.style.setProperty("--columns", String(width));
  state.root.style.setProperty("--least", width > 30 ? "6px" : "13px");
  state.root.style.setProperty("--row", height > 16 ? "1.35rem" : "1.75rem");
  state.leftName.textContent = data.left?.name ?? "";
  state.topName.textContent = data.top?.name ?? "";
  state.corner.textContent = "";
  state.rowLabels.replaceChildren(...data.rows.texts.map((_, index) => label(data.rows, index)));
  state.columnLabels.replaceChildren(...data.columns.texts.map((_, index) => label(data.columns, index)));
  if (data.changedRow !== null) state.rowLabels.children[data.changedRow]?.classList.add("changed");

  const size = `${height}×${width}`;
  if (state.size !== size) {
    const focused = state.cells.contains(state.root.getRootNode().activeElement);
    state.buttons = Array.from({ length: height * width }, (_, index) => {
      const button = element("button", "cell");
      button.type = "button";
      button.tabIndex = -1;
      button.dataset.index = String(index);
      return button;
    });
    state.cells.replaceChildren(...state.buttons);
    state.size = size;
    state.selected = null;
    moveStop(state, data.selected ? data.selected[0] * width + data.selected[1] : 0);
    if (focused) state.buttons[state.stop].focus();
  }
  state.buttons.forEach((button, index) => button.setAttribute("aria-label", describe(state, index)));
  choose(state, data.selected ? data.selected[0] * width + data.selected[1] : null);
  legend(state);
  [state.left, state.top].forEach((each) => paint(state, each));
  for (const side of [state.left, state.top]) side.band.hidden = data.selected === null;
  rest(state);
  fit(state);
  const named = ({ texts, ids }, index) => (ids ? `${index} ${texts[index]}` : texts[index]);
  savable(state.root, data.title, data.summary, () => [
    ["row", ...data.columns.texts.map((_, column) => named(data.columns, column))],
    ...data.rows.texts.map((_, row) => [named(data.rows, row), ...state.values.subarray(row * width, (row + 1) * width)]),
  ]);
}
