// One canvas pixel a weight, stretched without smoothing; cells that the mask hides stay transparent, so that the
// hatching behind the canvas is seen. Labels are page text, as many as have room.
const LARGEST_CELL = 42;
const LARGEST_PROJECTED = 64;
const TALLEST = 660;
const BARS = 34;
const hint = () => say("Point at a cell, or use the arrow keys, to read its weight; click or Enter locks its row.");

const mix = (one, other, share) => one.map((value, channel) => value + share * (other[channel] - value));

// 256 steps of one hue: from the background through the theme's blue towards the text.
const ramp = (host) => {
  const low = rgb(host, "--st-background-color");
  const middle = rgb(host, "--st-blue-color");
  const high = mix(middle, rgb(host, "--st-text-color"), 0.5);
  return Array.from({ length: 256 }, (_, step) => {
    const share = step / 255;
    return share < 0.7 ? mix(low, middle, share / 0.7) : mix(middle, high, (share - 0.7) / 0.3);
  });
};

const isMasked = (state, row, column) => state.data.shift !== null && column > row + state.data.shift;
const weight = (state, row, column) => state.values[row * state.data.columns.length + column] / 65535;

const build = (parentElement) => {
  const root = element("div", "root");
  const state = { root, place: [0, 0], weak: false, send: null, encoded: null };
  state.top = element("div", "top");
  state.left = element("div", "left");
  state.corner = element("div", "corner quiet");
  state.bars = element("canvas", "bars");
  state.bars.setAttribute("aria-hidden", "true"); // the readout says the same
  state.canvas = element("canvas");
  state.cursor = element("div", "cursor");
  state.band = element("div", "band");
  state.board = element("div", "board");
  state.board.tabIndex = 0;
  state.board.setAttribute("role", "application");
  state.board.setAttribute("aria-roledescription", say("attention map"));
  state.board.append(state.canvas, state.band, state.cursor);
  const frame = element("div", "frame");
  frame.append(state.corner, state.top, element("span"), state.bars, state.left, state.board);
  state.readout = element("span", "readout", hint());
  state.readout.setAttribute("aria-live", "polite");
  state.ramp = element("span", "ramp");
  const scale = element("span", "scale quiet");
  const legend = element("span");
  legend.append("0", state.ramp, "1");
  state.legend = legend;
  state.hatch = element("span");
  state.hatch.append(element("span", "hatch"), say("masked"));
  const weak = element("label", "weak unsaved");
  const box = element("input");
  box.type = "checkbox";
  weak.append(box, say("bring out weak weights (√)"));
  state.weakBox = weak;
  scale.append(legend, state.hatch, weak);
  const foot = element("div", "foot");
  foot.append(state.readout, scale);
  state.largest = element("div", "largest");
  root.append(frame, foot, state.largest);
  parentElement.append(root);

  box.addEventListener("change", () => {
    state.weak = box.checked;
    paint(state);
  });
  const at = (event) => {
    const area = state.canvas.getBoundingClientRect();
    return [
      Math.floor(((event.clientY - area.top) / area.height) * state.data.rows.length),
      Math.floor(((event.clientX - area.left) / area.width) * state.data.columns.length),
    ];
  };
  const choose = (row) => {
    state.send?.("clicked", row);
    state.locked = state.locked === row ? null : row; // at once; the page's answer decides
    mark(state);
  };
  state.board.addEventListener("pointermove", (event) => read(state, ...at(event)));
  state.board.addEventListener("pointerleave", () => rest(state));
  state.board.addEventListener("click", (event) => {
    const [row, column] = at(event);
    read(state, row, column);
    choose(state.place[0]);
  });
  state.board.addEventListener("focus", () => state.board.matches(":focus-visible") && read(state, ...state.place));
  state.board.addEventListener("blur", () => rest(state));
  state.board.addEventListener("keydown", (event) => {
    const [row, column] = state.place;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(row);
      return;
    }
    const target = {
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      Home: [row, 0],
      End: [row, state.data.columns.length - 1],
      PageUp: [row - 10, column],
      PageDown: [row + 10, column],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    read(state, ...target);
  });
  new ResizeObserver(() => state.data && arrange(state)).observe(root);
  onThemeChange(root, () => paint(state));
  return state;
};

const shownWeight = (state, row, column) => {
  const share = weight(state, row, column);
  return state.data.yesNo ? (share > 0.5 ? say("yes") : say("no")) : decimal(share.toFixed(3));
};

const read = (state, row, column) => {
  const { rows, columns } = state.data;
  row = Math.max(0, Math.min(row, rows.length - 1));
  column = Math.max(0, Math.min(column, columns.length - 1));
  state.place = [row, column];
  const found = isMasked(state, row, column) ? say("masked, it comes later") : shownWeight(state, row, column);
  state.readout.textContent = say("{query} → {key}: {weight}", {
    query: `${row} ${quoted(visible(rows[row]))}`,
    key: `${column} ${quoted(visible(columns[column]))}`,
    weight: found,
  });
  Object.assign(state.cursor.style, {
    visibility: "visible",
    left: `${(100 * column) / columns.length}%`,
    top: `${(100 * row) / rows.length}%`,
    width: `${100 / columns.length}%`,
    height: `${100 / rows.length}%`,
  });
  drawBars(state, state.locked ?? row);
};

const rest = (state) => {
  state.cursor.style.visibility = "hidden";
  state.readout.textContent = hint();
  drawBars(state, state.locked);
};

// The locked row: a frame around it, its weights as bars over the columns, its largest ones in words.
const mark = (state) => {
  const { rows, columns, columnIds } = state.data;
  const row = state.locked;
  Object.assign(state.band.style, {
    visibility: row === null ? "hidden" : "visible",
    top: `calc(${(100 * (row ?? 0)) / rows.length}% - 1px)`,
    height: `calc(${100 / rows.length}% + 2px)`,
  });
  state.largest.replaceChildren();
  drawBars(state, row);
  label(state);
  if (row === null) return;
  const order = columns.map((_, column) => column).filter((column) => !isMasked(state, row, column));
  order.sort((one, other) => weight(state, row, other) - weight(state, row, one));
  const query = `${row} ${quoted(visible(rows[row]))}`;
  state.largest.append(element("span", "quiet", say("Locked: {query} {verb}", { query, verb: state.data.rowName })));
  for (const column of order.slice(0, 6)) {
    const chip = element("span", "chip");
    if (columnIds) tint(chip, columnIds[column]);
    chip.append(element("span", "text", `${column} ${visible(columns[column])}`));
    chip.append(element("span", "number", shownWeight(state, row, column)));
    state.largest.append(chip);
  }
};

const drawBars = (state, row) => {
  const ratio = devicePixelRatio || 1;
  const { columns } = state.data;
  const width = state.cell * columns.length;
  Object.assign(state.bars.style, { width: `${width}px`, height: `${BARS}px` });
  state.bars.width = Math.round(width * ratio);
  state.bars.height = BARS * ratio;
  if (row === null) return;
  const context = state.bars.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = getComputedStyle(state.band).borderTopColor;
  columns.forEach((_, column) => {
    const share = weight(state, row, column);
    const high = (state.weak ? Math.sqrt(share) : share) * (BARS - 1);
    context.fillRect(column * state.cell, BARS - high, Math.max(1, state.cell - 1), high);
  });
};

// Labels thin out until each has room; the locked row keeps its own.
const label = (state) => {
  const { rows, columns, rowIds, columnIds } = state.data;
  const every = Math.ceil(13 / state.cell);
  const size = Math.max(10, Math.min(14, state.cell * 0.62));
  const thick = Math.max(12, Math.min(state.cell - 1, 22));
  const made = (texts, ids, index, across, at) => {
    const one = element("div", at ? "label at" : "label");
    one.append(element("span", "", visible(texts[index])));
    one.style.fontSize = `${size}px`;
    one.style[across] = `${(index + 0.5) * state.cell - thick / 2}px`;
    one.style[across === "top" ? "height" : "width"] = `${thick}px`;
    if (ids) tint(one, ids[index]);
    return one;
  };
  const shown = (length, keep) =>
    Array.from({ length }, (_, index) => index).filter(
      (index) => index === keep || (index % every === 0 && (keep === null || Math.abs(index - keep) >= every)),
    );
  state.left.replaceChildren(
    ...shown(rows.length, state.locked).map((index) => made(rows, rowIds, index, "top", index === state.locked)),
  );
  state.top.replaceChildren(...shown(columns.length, null).map((index) => made(columns, columnIds, index, "left", false)));
};

const arrange = (state) => {
  const { rows, columns } = state.data;
  const wide = state.root.clientWidth;
  if (!wide) return;
  const longest = (texts) => Math.max(...texts.map((text) => [...visible(text)].length));
  const letter = projected() ? 13 : 9;
  const side = Math.min(Math.max(72, longest(rows) * letter + 20), Math.max(72, wide * 0.28), 19 * letter);
  const head = Math.min(Math.max(24, longest(columns) * letter + 12), 13.5 * letter);
  const cell = Math.min(projected() ? LARGEST_PROJECTED : LARGEST_CELL, (wide - side - 6) / columns.length, Math.max(TALLEST / rows.length, 2.2));
  if (cell === state.cell && side === state.side && state.arranged === state.data) return;
  Object.assign(state, { cell, side, arranged: state.data });
  const width = cell * columns.length;
  const height = cell * rows.length;
  Object.assign(state.left.style, { width: `${side}px`, height: `${height}px` });
  Object.assign(state.top.style, { width: `${width}px`, height: `${head}px` });
  Object.assign(state.board.style, { width: `${width}px`, height: `${height}px` });
  state.corner.style.maxWidth = `${side}px`;
  mark(state);
  write(state);
};

const write = (state) =>
  writeValues(state.board, state.data.rows.length, state.data.columns.length, (row, column) =>
    isMasked(state, row, column) ? "" : state.data.yesNo ? shownWeight(state, row, column) : weight(state, row, column).toFixed(2),
  );

const paint = (state) => {
  if (!state.data || !state.root.isConnected) return;
  const colours = ramp(state.root);
  const shown = (share) => colours[Math.round(255 * (state.weak ? Math.sqrt(share) : share))];
  const stops = Array.from({ length: 11 }, (_, step) => `rgb(${shown(step / 10).map(Math.round).join(" ")})`);
  state.ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  const { rows, columns } = state.data;
  state.canvas.width = columns.length;
  state.canvas.height = rows.length;
  const context = state.canvas.getContext("2d");
  const image = context.createImageData(columns.length, rows.length);
  for (let row = 0, index = 0; row < rows.length; row += 1)
    for (let column = 0; column < columns.length; column += 1, index += 1) {
      if (isMasked(state, row, column)) continue;
      const [red, green, blue] = shown(state.values[index] / 65535);
      image.data.set([red, green, blue, 255], 4 * index);
    }
  context.putImageData(image, 0, 0);
  drawBars(state, state.locked);
  arrange(state);
  write(state);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  if (state.encoded !== data.values) {
    const bytes = Uint8Array.from(atob(data.values), (each) => each.charCodeAt(0));
    state.values = new Uint16Array(bytes.buffer);
    state.encoded = data.values;
  }
  state.data = data;
  state.locked = data.locked;
  state.place = [Math.min(state.place[0], data.rows.length - 1), Math.min(state.place[1], data.columns.length - 1)];
  state.hatch.style.display = data.shift === null ? "none" : "";
  for (const each of [state.legend, state.weakBox]) each.style.display = data.yesNo ? "none" : "";
  state.corner.replaceChildren(
    element("span", "", `${data.columnName} →`),
    element("span", "", `${data.rowName} ↓`),
  );
  const { summary } = data;
  state.board.setAttribute("aria-label", say("{summary} Arrow keys read the weights, Enter locks a row.", { summary }));
  arrange(state);
  paint(state);
  savable(state.root, say("Attention map"), summary, () => [
    ["row", ...data.columns.map((text, column) => `${column} ${text}`)],
    ...data.rows.map((text, row) => [
      `${row} ${text}`,
      ...data.columns.map((_, column) => (isMasked(state, row, column) ? null : Number(weight(state, row, column).toFixed(5)))),
    ]),
  ]);
}
