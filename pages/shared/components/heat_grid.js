// One canvas pixel a number, stretched without smoothing. Colours come from the theme when it is drawn, and again
// when the theme changes.
const number = (value) => (value < 0 ? "−" : "") + (value === 0 ? "0" : decimal(Math.abs(value).toPrecision(3)));

const build = (parentElement, state) => {
  const root = element("div", "root");
  state.root = root;
  state.title = element("div", "title");
  state.canvas = element("canvas");
  state.cursor = element("div", "cursor");
  state.board = element("div", "board");
  state.board.tabIndex = 0;
  state.board.setAttribute("role", "img");
  state.board.append(state.canvas, state.cursor);
  state.left = element("div", "axis left quiet");
  state.bottom = element("div", "axis bottom quiet");
  state.leftName = element("div", "axis-name left quiet");
  state.bottomName = element("div", "axis-name bottom quiet");
  const frame = element("div", "frame");
  frame.append(state.leftName, state.left, state.board, state.bottom, state.bottomName);
  state.readout = element("span", "readout");
  state.readout.setAttribute("aria-live", "polite");
  state.low = element("span");
  state.high = element("span");
  const scale = element("span", "scale quiet");
  scale.append(state.low, element("span", "ramp"), state.high);
  const foot = element("div", "foot");
  foot.append(state.readout, scale);
  root.append(state.title, frame, foot);
  parentElement.append(root);

  state.board.addEventListener("pointermove", (event) => {
    const box = state.canvas.getBoundingClientRect();
    const { rows, columns } = state.data;
    read(
      state,
      Math.floor(((event.clientY - box.top) / box.height) * rows),
      Math.floor(((event.clientX - box.left) / box.width) * columns),
    );
  });
  state.board.addEventListener("focus", () => read(state, ...state.place));
  state.board.addEventListener("keydown", (event) => {
    const [row, column] = state.place;
    const target = {
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      Home: [row, 0],
      End: [row, state.data.columns - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    read(state, ...target);
  });
  state.drawnWith = "";
  new ResizeObserver(() => draw(state)).observe(state.board);
  onThemeChange(root, () => draw(state));
};

const read = (state, row, column) => {
  const { rows, columns, rowName, columnName } = state.data;
  row = Math.max(0, Math.min(row, rows - 1));
  column = Math.max(0, Math.min(column, columns - 1));
  state.place = [row, column];
  const { rowLabels, columnLabels } = state.data;
  const place = (name, index, labels) => `${name} ${index}${labels ? ` ${quoted(visible(labels[index]))}` : ""}`;
  state.readout.textContent = say("{row}, {column}: {value}", {
    row: place(rowName, row, rowLabels),
    column: place(columnName, column, columnLabels),
    value: number(state.values[row * columns + column]),
  });
  Object.assign(state.cursor.style, {
    visibility: "visible",
    left: `${(100 * column) / columns}%`,
    top: `${(100 * row) / rows}%`,
    width: `${100 / columns}%`,
    height: `${100 / rows}%`,
  });
};

const draw = (state) => {
  if (!state.data || !state.root.isConnected) return;
  const { rows, columns, scale } = state.data;
  const [low, middle, high] = ["--st-blue-color", "--st-background-color", "--st-orange-color"].map((name) =>
    rgb(state.root, name),
  );
  const stamp = JSON.stringify([low, middle, high]);
  writeValues(state.board, rows, columns, (row, column) => number(state.values[row * columns + column]));
  if (state.drawn === state.values && state.drawnWith === stamp) return;
  state.drawn = state.values;
  state.drawnWith = stamp;
  state.canvas.width = columns;
  state.canvas.height = rows;
  const context = state.canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  state.values.forEach((value, index) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value) / scale);
    for (let channel = 0; channel < 3; channel += 1)
      image.data[4 * index + channel] = middle[channel] + share * (end[channel] - middle[channel]);
    image.data[4 * index + 3] = 255;
  });
  context.putImageData(image, 0, 0);
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = { place: [0, 0] };
    build(parentElement, state);
    states.set(parentElement, state);
  }
  state.data = data;
  const bytes = Uint8Array.from(atob(data.values), (each) => each.charCodeAt(0));
  state.values = new Float32Array(bytes.buffer);
  state.title.textContent = data.title;
  state.board.style.height = `${data.height}px`;
  const label = `${data.title}. ${data.summary}`;
  state.board.setAttribute("aria-label", say("{label} Arrow keys read the numbers.", { label }));
  const named = data.rowLabels && data.height >= 13 * data.rows;
  state.left.classList.toggle("named", Boolean(named));
  state.left.replaceChildren(
    ...(named ? data.rowLabels.map(visible) : ["0", String(data.rows - 1)]).map((each) => element("span", "", each)),
  );
  state.bottom.replaceChildren(element("span", "", "0"), element("span", "", String(data.columns - 1)));
  state.leftName.textContent = data.rowName;
  state.bottomName.textContent = data.columnName;
  state.low.textContent = number(-data.scale);
  state.high.textContent = number(data.scale);
  state.cursor.style.visibility = "hidden";
  state.readout.textContent = say("Point at a cell, or use the arrow keys, to read its number.");
  draw(state);
  const names = (n, labels) => Array.from({ length: n }, (_, index) => (labels ? `${index} ${labels[index]}` : String(index)));
  savable(state.root, data.title, data.summary, () => [
    ["row", ...names(data.columns, data.columnLabels)],
    ...names(data.rows, data.rowLabels).map((name, row) => [
      name,
      ...state.values.subarray(row * data.columns, (row + 1) * data.columns),
    ]),
  ]);
}
