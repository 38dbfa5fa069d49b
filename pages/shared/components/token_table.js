// A small table of tokens: a chip in the token's own colour, a number beneath it, and a mark that is also a word.
const MARKS = { right: "✓", wrong: "✗", ended: "■", dropped: "–" };

const cellOf = (cell, tag) => {
  const made = element(tag);
  if (cell === null) {
    made.append(element("span", "quiet", "·"));
    return made;
  }
  const line = element("span", "line");
  if (cell.before) line.append(element("span", "before quiet", cell.before));
  // A sentence keeps its spaces; a token shows them.
  const chip = element("span", "chip", cell.id === null ? cell.text : visible(cell.text));
  if (cell.id !== null) tint(chip, cell.id);
  if (cell.mark) chip.classList.add(`is-${cell.mark}`);
  line.append(chip);
  made.append(line);
  if (cell.note || cell.mark) {
    const note = element("span", "note quiet");
    note.append(element("span", "", cell.note));
    if (cell.mark) note.append(element("span", `mark ${cell.mark}`, `${MARKS[cell.mark]} ${cell.word}`));
    made.append(note);
  }
  if (cell.share !== null) {
    const bar = element("span", "bar");
    bar.setAttribute("aria-hidden", "true"); // the note says the same
    const filled = element("span", "filled");
    filled.style.width = `${100 * cell.share}%`;
    bar.append(filled);
    made.append(bar);
  }
  return made;
};

const build = (parentElement) => {
  const root = element("div", "root");
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0; // so that the keyboard can move it where it is wider than the page
  scroll.setAttribute("role", "group");
  root.append(scroll);
  parentElement.append(root);
  return { root, scroll };
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.scroll.setAttribute("aria-label", data.summary);
  const table = element("table");
  const head = element("tr");
  data.head.forEach((text) => {
    const cell = element("th", "", text);
    cell.scope = "col";
    head.append(cell);
  });
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  data.rows.forEach((row) => {
    const line = element("tr", row.marked ? "marked" : "");
    const name = element("th", "", row.name);
    name.scope = "row";
    line.append(name, ...row.cells.map((cell) => cellOf(cell, "td")));
    body.append(line);
  });
  table.append(top, body);
  state.scroll.replaceChildren(table);
  const told = ({ name, cells }) =>
    cells.flatMap((cell, at) => (cell ? [[name, data.head[at + 1], cell.text, cell.id, cell.note, cell.share, cell.word]] : []));
  savable(state.root, say("Table of tokens"), data.summary, () => [
    ["row", "column", "token", "id", "note", "share", "mark"],
    ...data.rows.flatMap(told),
  ]);
}
