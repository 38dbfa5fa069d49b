// One button a row, in the order given: the tab key walks through them.
const number = (value) => (value < 0 ? "−" : "") + decimal(Math.abs(value).toFixed(3));

const makeRow = () => {
  const button = element("button", "row");
  button.type = "button";
  const parts = { text: element("span", "text"), fill: element("span", "fill"), number: element("span", "number") };
  const track = element("span", "track");
  track.append(parts.fill);
  button.append(parts.text, track, parts.number);
  return { button, parts };
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    const root = element("div", "root");
    const list = element("div", "list");
    list.setAttribute("role", "group");
    root.append(list);
    parentElement.append(root);
    state = { root, list, rows: [] };
    const current = state;
    list.addEventListener("click", (event) => {
      const button = event.target.closest?.("button.row");
      if (button) current.send("clicked", Number(button.dataset.id));
    });
    states.set(parentElement, state);
  }
  state.send = setTriggerValue;
  state.list.setAttribute("aria-label", data.label);
  while (state.rows.length > data.rows.length) state.rows.pop().button.remove();
  data.rows.forEach(([id, text, cosine], index) => {
    if (!state.rows[index]) {
      state.rows.push(makeRow());
      state.list.append(state.rows[index].button);
    }
    const { button, parts } = state.rows[index];
    button.dataset.id = String(id);
    button.title = say("id {id}: choose it", { id: String(id) });
    const values = { token: visible(text), id: String(id), cosine: number(cosine) };
    button.setAttribute("aria-label", say("Choose “{token}”, id {id}, cosine {cosine}", values));
    parts.text.textContent = visible(text);
    tint(parts.text, id);
    parts.fill.style.width = `${100 * Math.min(1, Math.abs(cosine))}%`;
    parts.fill.classList.toggle("negative", cosine < 0);
    parts.number.textContent = number(cosine);
  });
  savable(state.root, data.label, "", () => [["id", "token", "cosine"], ...data.rows]);
}
