// Rows are keyed by token id and kept between updates: moving a slider changes widths, not elements.
const percent = (p) => {
  if (p === 0) return decimal("0 %");
  if (p > 0 && p < 0.001) return decimal("< 0.1 %");
  return decimal(`${(100 * p).toFixed(1)} %`);
};

const makeRow = () => {
  const button = element("button", "row");
  button.type = "button";
  const parts = {
    text: element("span", "text"),
    track: element("span", "track"),
    final: element("span", "final"),
    base: element("span", "base"),
    numbers: element("span", "numbers"),
    note: element("span", "note"),
  };
  parts.track.append(parts.final, parts.base);
  button.append(parts.text, parts.track, parts.numbers, parts.note);
  return { button, parts };
};

const update = ({ button, parts }, row, scale, chosen) => {
  parts.text.textContent = visible(row.text);
  parts.base.style.width = `${(100 * row.base) / scale}%`;
  parts.final.style.width = `${(100 * row.final) / scale}%`;
  parts.numbers.textContent = `${percent(row.base)} → ${percent(row.final)}`;
  const notes = [];
  if (row.cut !== null) notes.push(say("cut by {filter}", { filter: row.cut }));
  if (row.id === chosen) notes.push(say("chosen"));
  parts.note.textContent = notes.join(", ");
  button.classList.toggle("cut", row.cut !== null);
  button.classList.toggle("chosen", row.id === chosen);
  button.dataset.id = String(row.id);
  const state = notes.length ? `, ${notes.join(", ")}` : "";
  button.setAttribute(
    "aria-label",
    say("Use “{token}”, id {id}: {before} before the filters, {after} after", {
      token: visible(row.text),
      id: String(row.id),
      before: percent(row.base),
      after: percent(row.final),
    }) + state,
  );
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    const root = element("div", "root");
    const key = element("div", "key quiet");
    const before = element("span", "key-item");
    before.append(element("span", "key-base"), element("span", "", say("before the filters")));
    const after = element("span", "key-item");
    after.append(element("span", "key-final"), element("span", "", say("after the filters")));
    key.append(before, after, element("span", "key-item unsaved", say("Choose a row to continue with that token.")));
    const list = element("div", "list");
    list.setAttribute("role", "group");
    root.append(key, list);
    parentElement.append(root);
    state = { root, list, rows: new Map(), send: null };
    const current = state;
    list.addEventListener("click", (event) => {
      const button = event.target.closest?.("button.row");
      if (button) current.send("clicked", Number(button.dataset.id));
    });
    states.set(parentElement, state);
  }
  state.send = setTriggerValue;
  state.list.setAttribute("aria-label", data.label);

  const scale = Math.max(1e-9, ...data.candidates.map((row) => Math.max(row.base, row.final)));
  const wanted = new Set(data.candidates.map((row) => row.id));
  for (const [id, made] of state.rows) {
    if (!wanted.has(id)) {
      made.button.remove();
      state.rows.delete(id);
    }
  }
  data.candidates.forEach((row, index) => {
    if (!state.rows.has(row.id)) state.rows.set(row.id, makeRow());
    const made = state.rows.get(row.id);
    update(made, row, scale, data.chosen);
    const here = state.list.children[index];
    if (here !== made.button) state.list.insertBefore(made.button, here ?? null);
  });
  savable(state.root, data.label, "", () => [
    ["token", "id", "before", "after", "cut by", "chosen"],
    ...data.candidates.map((row) => [row.text, row.id, row.base, row.final, row.cut, Number(row.id === data.chosen)]),
  ]);
}
