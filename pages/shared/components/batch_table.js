// A table of buttons with one tab stop; choosing a cell shows the passage around its window, without the server.
const build = (parentElement, state) => {
  const root = element("div", "root");
  state.root = root;
  state.scroll = element("div", "scroll");
  state.table = element("table");
  state.scroll.append(state.table);
  state.found = element("div", "found");
  state.title = element("div", "found-title");
  state.title.setAttribute("aria-live", "polite");
  state.passage = element("div", "passage");
  state.passage.tabIndex = 0;
  state.passage.setAttribute("role", "group");
  state.passage.setAttribute("aria-label", say("The passage of the text that this row came from"));
  const key = element("div", "key quiet");
  const inside = element("span", "", "");
  inside.append(element("span", "inside", say("underlined")), say(": the window"));
  const here = element("span", "", "");
  here.append(element("span", "here", say("framed")), say(": the chosen token"));
  key.append(inside, here);
  state.found.append(state.title, state.passage, key);
  root.append(state.scroll, state.found);
  parentElement.append(root);

  const placeOf = (event) => {
    const cell = event.target.closest?.("button.cell");
    return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
  };
  state.table.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place) choose(state, place);
  });
  state.table.addEventListener("focusin", (event) => {
    const place = placeOf(event);
    if (place) moveStop(state, place);
  });
  state.table.addEventListener("keydown", (event) => {
    const [row, column] = state.stop;
    const { rows } = state.data;
    const width = rows[0].x.length;
    const target = {
      ArrowRight: [row, Math.min(column + 1, width - 1)],
      ArrowLeft: [row, Math.max(column - 1, 0)],
      ArrowDown: [Math.min(row + 1, rows.length - 1), column],
      ArrowUp: [Math.max(row - 1, 0), column],
      Home: [row, 0],
      End: [row, width - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    cellAt(state, target)?.focus();
  });
};

const cellAt = (state, [row, column]) => state.cells[row]?.[column];

const moveStop = (state, place) => {
  const before = cellAt(state, state.stop);
  if (before) before.tabIndex = -1;
  state.stop = place;
  const now = cellAt(state, place);
  if (now) now.tabIndex = 0;
};

const cellNamed = (row, column, text, id) => ({
  row: String(row),
  column: String(column),
  token: visible(text),
  id: String(id),
});

const choose = (state, place) => {
  const old = cellAt(state, state.chosen);
  if (old) old.setAttribute("aria-pressed", "false");
  state.chosen = place;
  cellAt(state, place)?.setAttribute("aria-pressed", "true");
  const [row, column] = place;
  const { rows, show } = state.data;
  const window = rows[row];
  const y = show === "y";
  const inWindow = column + (y ? 1 : 0);
  const textOf = (id) => state.texts.get(id);
  const id = window[show][column];
  const values = {
    ...cellNamed(row, column, textOf(id), id),
    n: window.start + inWindow + 1,
    other: visible(textOf(y ? window.x[column] : window.y[column])),
  };
  state.title.textContent = y
    ? say("Row {row}, position {column}: “{token}”, id {id}, is token {n} of the text, the target of “{other}”.", values)
    : say("Row {row}, position {column}: “{token}”, id {id}, is token {n} of the text; its target is “{other}”.", values);
  const last = window.y[window.y.length - 1];
  const ids = [...window.before, ...window.x, last, ...window.after];
  const first = window.before.length;
  const from = first + (y ? 1 : 0);
  state.passage.replaceChildren(
    "… ",
    ...ids.map((each, index) => {
      const inside = index >= from && index < from + window.x.length;
      const made = element("span", inside ? "inside" : "outside", textOf(each));
      if (inside) tint(made, each);
      if (index === first + inWindow) made.classList.add("here");
      return made;
    }),
    " …",
  );
  const here = state.passage.querySelector(".here");
  if (here) state.passage.scrollTop = Math.max(0, here.offsetTop - state.passage.offsetTop - 60);
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = { chosen: [0, 0], stop: [0, 0] };
    build(parentElement, state);
    states.set(parentElement, state);
  }
  state.data = data;
  state.texts = new Map(data.texts);
  const { rows, show, ids } = data;
  const width = rows.length ? rows[0].x.length : 0;
  const clamp = ([row, column]) => [Math.min(row, rows.length - 1), Math.min(column, width - 1)];
  state.chosen = clamp(state.chosen);
  state.stop = state.chosen;
  const caption = element(
    "caption",
    "quiet",
    say("{name}, {rows} windows (rows) of {columns} positions (columns). Choose a cell to see where it comes from.", {
      name: show,
      rows: String(rows.length),
      columns: String(width),
    }),
  );
  const head = element("tr");
  head.append(element("th", "row", say("row \\ position")));
  for (let column = 0; column < width; column += 1) {
    const th = element("th", "", String(column));
    th.scope = "col";
    head.append(th);
  }
  const thead = element("thead");
  thead.append(head);
  const body = element("tbody");
  state.cells = rows.map((row, r) => {
    const line = element("tr");
    const th = element("th", "row", String(r));
    th.scope = "row";
    line.append(th);
    const cells = row[show].map((id, c) => {
      const cell = element("button", "cell", ids ? String(id) : visible(state.texts.get(id)));
      cell.type = "button";
      cell.tabIndex = -1;
      cell.dataset.row = String(r);
      cell.dataset.column = String(c);
      cell.setAttribute("aria-pressed", "false");
      const values = cellNamed(r, c, state.texts.get(id), id);
      cell.setAttribute("aria-label", say("Row {row}, position {column}: “{token}”, id {id}", values));
      cell.title = `${quoted(visible(state.texts.get(id)))} · id ${id}`;
      tint(cell, id);
      const td = element("td");
      td.append(cell);
      line.append(td);
      return cell;
    });
    body.append(line);
    return cells;
  });
  state.table.replaceChildren(caption, thead, body);
  const listed = ({ start, x, y }, row) =>
    x.map((id, place) => [row, start, place, id, state.texts.get(id), y[place], state.texts.get(y[place])]);
  savable(state.root, say("Batch"), caption.textContent, () => [
    ["row", "start", "position", "x", "x text", "y", "y text"],
    ...rows.flatMap(listed),
  ]);
  if (!rows.length) return;
  moveStop(state, state.chosen);
  choose(state, state.chosen);
}
