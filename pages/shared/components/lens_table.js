// A table of buttons, one tab stop in all, arrow keys in both directions. The first column and the row of the sentence
// stay in sight while the rest scrolls inside its frame.
const percent = (p) => decimal(p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)} %`);

const build = (parentElement) => {
  const root = element("div", "root");
  const frame = element("div", "frame");
  const readout = element("div", "readout");
  readout.setAttribute("aria-live", "polite");
  const legend = element("div", "legend quiet");
  const pale = element("span", "swatch", "the");
  pale.style.setProperty("--share", "4%");
  const deep = element("span", "swatch", "the");
  deep.style.setProperty("--share", "45%");
  const same = element("span", "swatch same", "the");
  for (const [swatch, text] of [
    [pale, say("unsure")],
    [deep, say("sure")],
    [same, say("what the model says at the end")],
  ]) {
    const entry = element("span", "entry");
    entry.append(swatch, text);
    legend.append(entry);
  }
  root.append(frame, readout, legend);
  parentElement.append(root);
  const state = { root, frame, readout, cells: [], place: [0, 0], shown: "", send: null };
  const placeOf = (event) => {
    const cell = event.target.closest?.("button.cell");
    return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
  };
  frame.addEventListener("pointerover", (event) => {
    const place = placeOf(event);
    if (place) read(state, ...place);
  });
  frame.addEventListener("focusin", (event) => {
    const place = placeOf(event);
    if (!place) return;
    moveTo(state, ...place);
    read(state, ...place);
  });
  frame.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place) state.send("clicked", place[1]);
  });
  frame.addEventListener("keydown", (event) => {
    const place = placeOf(event);
    if (!place) return;
    const [row, column] = place;
    const target = {
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      Home: [row, 0],
      End: [row, state.cells[0].length - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    state.cells[target[0]]?.[target[1]]?.focus();
  });
  return state;
};

const moveTo = (state, row, column) => {
  const [oldRow, oldColumn] = state.place;
  state.cells[oldRow]?.[oldColumn]?.setAttribute("tabindex", "-1");
  state.place = [row, column];
  state.cells[row]?.[column]?.setAttribute("tabindex", "0");
};

const read = (state, row, column) => {
  const { ids, probabilities, texts, tokens, rows } = state.data;
  const best = ids[row][column].map(
    (id, place) => `${quoted(visible(texts[id]))} ${percent(probabilities[row][column][place])}`,
  );
  state.readout.textContent = say("{layer}, behind “{token}” at {place}: {best}", {
    layer: rows[row],
    token: visible(tokens[column][0]),
    place: String(column),
    best: best.join(", "),
  });
};

const draw = (state) => {
  const { ids, probabilities, texts, tokens, rows, label } = state.data;
  const table = element("table");
  table.setAttribute("aria-label", label);
  const head = element("tr");
  head.append(element("th", "corner", say("reads")));
  for (const [index, [text, id]] of tokens.entries()) {
    const cell = element("th", "token");
    const chip = element("span", "chip", visible(text));
    tint(chip, id);
    cell.append(chip);
    cell.scope = "col";
    cell.setAttribute("aria-label", say("position {place}: {token}", { place: String(index), token: visible(text) }));
    head.append(cell);
  }
  const header = element("thead");
  header.append(head);
  const body = element("tbody");
  const last = rows.length - 1;
  state.cells = rows.map((name, row) => {
    const line = element("tr", row === last ? "final" : "");
    const title = element("th", "row-name", name);
    title.scope = "row";
    line.append(title);
    const cells = tokens.map((_, column) => {
      const id = ids[row][column][0];
      const p = probabilities[row][column][0];
      const cell = element("td");
      const agrees = id === ids[last][column][0];
      const button = element("button", agrees ? "cell same" : "cell");
      button.type = "button";
      button.tabIndex = -1;
      button.dataset.row = String(row);
      button.dataset.column = String(column);
      button.style.setProperty("--share", `${(45 * p).toFixed(1)}%`);
      button.append(element("span", "text", visible(texts[id])), element("span", "percent", percent(p)));
      const values = { layer: name, place: String(column), token: visible(texts[id]), share: percent(p) };
      button.setAttribute(
        "aria-label",
        agrees
          ? say("{layer}, position {place}: {token}, {share}, as at the end", values)
          : say("{layer}, position {place}: {token}, {share}", values),
      );
      cell.append(button);
      line.append(cell);
      return button;
    });
    body.append(line);
    return cells;
  });
  table.append(header, body);
  state.frame.replaceChildren(table);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  const shown = JSON.stringify([data.ids, data.probabilities, data.tokens]);
  if (shown !== state.shown) {
    state.shown = shown;
    draw(state);
    state.readout.textContent = say(
      "Point at a cell, or use the arrow keys, to read it; Enter follows its column below.",
    );
    state.place = [data.rows.length - 1, data.selected];
  }
  const { cells, frame } = state;
  cells.forEach((line) =>
    line.forEach((cell, column) => {
      if (column === data.selected) cell.setAttribute("aria-current", "true");
      else cell.removeAttribute("aria-current");
    }),
  );
  moveTo(state, Math.min(state.place[0], cells.length - 1), data.selected);
  if (state.followed !== data.selected || !state.scrolled) {
    state.followed = data.selected;
    state.scrolled = true;
    const cell = cells[0][data.selected].getBoundingClientRect();
    const outer = frame.getBoundingClientRect();
    if (cell.right > outer.right || cell.left < outer.left + 110)
      frame.scrollLeft += cell.left - outer.left - outer.width / 2;
  }
  const told = (name, row) =>
    data.tokens.flatMap(([text], place) =>
      data.ids[row][place].map((id, rank) => [name, place, text, rank + 1, data.texts[id], data.probabilities[row][place][rank]]),
    );
  savable(state.root, data.label, "", () => [
    ["layer", "position", "token", "rank", "says", "probability"],
    ...data.rows.flatMap(told),
  ]);
}
