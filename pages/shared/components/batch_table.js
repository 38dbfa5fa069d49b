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
  state.passage.setAttribute("aria-label", "The passage of the text that this row came from");
  const key = element("div", "key quiet");
  const inside = element("span", "", "");
  inside.append(element("span", "inside", "underlined"), ": the window");
  const here = element("span", "", "");
  here.append(element("span", "here", "framed"), ": the chosen token");
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
  state.title.textContent =
    `Row ${row}, position ${column}: “${visible(textOf(id))}”, id ${id}, is token ` +
    `${(window.start + inWindow + 1).toLocaleString("en")} of the text` +
    (y ? `, the target of “${visible(textOf(window.x[column]))}”.` : `; its target is “${visible(textOf(window.y[column]))}”.`);
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
    `${show}, ${rows.length} windows (rows) of ${width} positions (columns). Choose a cell to see where it comes from.`,
  );
  const head = element("tr");
  head.append(element("th", "row", "row \\ position"));
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
      cell.setAttribute("aria-label", `Row ${r}, position ${c}: “${visible(state.texts.get(id))}”, id ${id}`);
      cell.title = `“${visible(state.texts.get(id))}” · id ${id}`;
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
  if (!rows.length) return;
  moveStop(state, state.chosen);
  choose(state, state.chosen);
}
