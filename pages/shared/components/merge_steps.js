// One list item per state; rows that did not change are left alone, so that a growing trace does not blink.
const fill = (item, row) => {
  const made = new Set(row.made);
  const next = new Set(row.next);
  const tokens = element("span", "tokens");
  row.ids.forEach((id, index) => {
    const token = element("span", "token");
    tint(token, id);
    if (made.has(index)) token.classList.add("made");
    if (next.has(index)) token.classList.add("next");
    const text = element("bdi", "text", row.texts[index]);
    const number = element("span", "id quiet", String(id));
    token.append(text, number);
    tokens.append(token);
  });
  item.replaceChildren(element("span", "name quiet", row.name), tokens);
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    const root = element("div", "root");
    const list = element("ol", "steps");
    root.append(list);
    parentElement.append(root);
    state = { root, list, drawn: [] };
    states.set(parentElement, state);
  }
  state.list.setAttribute("aria-label", data.label);
  data.rows.forEach((row, index) => {
    const drawn = JSON.stringify(row);
    if (state.drawn[index] === drawn) return;
    if (!state.list.children[index]) state.list.append(element("li", "step"));
    fill(state.list.children[index], row);
    state.drawn[index] = drawn;
  });
  while (state.list.children.length > data.rows.length) {
    state.list.lastElementChild.remove();
    state.drawn.pop();
  }
  const told = ({ name, ids, texts, made, next }) =>
    ids.map((id, place) => [name, place, id, texts[place], Number(made.includes(place)), Number(next.includes(place))]);
  savable(state.root, data.label, "", () => [
    ["step", "place", "id", "token", "just made", "joined next"],
    ...data.rows.flatMap(told),
  ]);
}
