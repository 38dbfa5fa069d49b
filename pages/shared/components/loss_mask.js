// Rows of tokens whose look says what their targets do: greyed, framed or hatched. The legend says it in words.
const KINDS = ["masked", "learned", "padding"];
const meanings = () => [
  say("masked (−100): read, not learned"),
  say("learned: counts for the loss"),
  say("padding: neither read nor learned"),
];

const cellOf = ([text, id, kind], tag, ids) => {
  const cell = element(tag, `token ${KINDS[kind]}`);
  cell.textContent = KINDS[kind] === "padding" ? "–" : ids ? String(id) : visible(text);
  if (KINDS[kind] === "learned") tint(cell, id);
  return cell;
};

const build = (parentElement) => {
  const root = element("div", "root");
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0; // so that the keyboard can move it where it is wider than the page
  scroll.setAttribute("role", "group");
  const legend = element("div", "legend");
  root.append(scroll, legend);
  parentElement.append(root);
  return { root, scroll, legend };
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.scroll.setAttribute("aria-label", data.summary);
  if (data.wrap) {
    state.scroll.replaceChildren(
      ...data.rows.map((row) => {
        const line = element("div", "running");
        row.forEach((token) => line.append(cellOf(token, "span", data.ids), " "));
        return line;
      }),
    );
  } else {
    const table = element("table");
    const body = element("tbody");
    data.rows.forEach((row, index) => {
      const line = element("tr");
      const name = element("th", "", String(index + 1));
      name.scope = "row";
      line.append(name, ...row.map((token) => cellOf(token, "td", data.ids)));
      body.append(line);
    });
    table.append(body);
    state.scroll.replaceChildren(table);
  }
  const used = new Set(data.rows.flat().map(([, , kind]) => kind));
  state.legend.replaceChildren(
    ...meanings().flatMap((meaning, kind) => {
      if (!used.has(kind)) return [];
      const item = element("span", "item");
      const sample = element("span", `token ${KINDS[kind]}`, kind === 2 ? "–" : "abc");
      if (kind === 1) tint(sample, 40);
      item.append(sample, element("span", "", meaning));
      return [item];
    }),
  );
  savable(state.root, say("Loss mask"), data.summary, () => [
    ["row", "position", "token", "id", "target"],
    ...data.rows.flatMap((row, line) => row.map(([text, id, kind], place) => [line + 1, place, text, id, KINDS[kind]])),
  ]);
}
