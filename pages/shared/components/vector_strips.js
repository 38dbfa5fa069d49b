// Bars up for positive numbers and down for negative ones; one cursor marks the same dimension in a whole group.
const number = (value) => (value < 0 ? "−" : "") + decimal(Math.abs(value).toPrecision(3));

const build = (parentElement, state) => {
  const root = element("div", "root");
  state.root = root;
  state.area = element("div", "area");
  state.area.tabIndex = 0;
  state.area.setAttribute("role", "group");
  state.readout = element("span", "readout");
  state.readout.setAttribute("aria-live", "polite");
  const legend = element("span", "legend quiet");
  const plus = element("span");
  plus.append(element("span", "swatch plus"), say("up: positive"));
  const minus = element("span");
  minus.append(element("span", "swatch minus"), say("down: negative"));
  state.scaleText = element("span");
  legend.append(plus, minus, state.scaleText);
  const foot = element("div", "foot");
  foot.append(state.readout, legend);
  root.append(state.area, foot);
  parentElement.append(root);

  state.area.addEventListener("pointerover", (event) => {
    const cell = event.target.closest?.(".cell");
    if (cell) move(state, Number(cell.dataset.group), Number(cell.dataset.place));
  });
  state.area.addEventListener("focus", () => move(state, ...state.cursor));
  state.area.addEventListener("keydown", (event) => {
    const [group, place] = state.cursor;
    const { groups, width } = state.data;
    const target = {
      ArrowRight: [group, Math.min(place + 1, width - 1)],
      ArrowLeft: [group, Math.max(place - 1, 0)],
      ArrowDown: [Math.min(group + 1, groups.length - 1), place],
      ArrowUp: [Math.max(group - 1, 0), place],
      Home: [group, 0],
      End: [group, width - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    move(state, ...target);
  });
};

const move = (state, group, place) => {
  for (const cell of state.area.querySelectorAll(".cell.at")) cell.classList.remove("at");
  const { groups, width } = state.data;
  if (!groups.length || !width) return;
  group = Math.min(group, groups.length - 1);
  place = Math.min(place, width - 1);
  state.cursor = [group, place];
  const parts = [];
  groups[group].strips.forEach((strip, index) => {
    if (!strip.values) return;
    state.cells[group][index][place].classList.add("at");
    const label = `${strip.sign ? `${strip.sign} ` : ""}${strip.label}`;
    parts.push(say("{label}: {value}", { label, value: number(strip.values[place]) }));
  });
  const title = groups[group].token === null ? groups[group].title : quoted(visible(groups[group].title));
  const values = { row: title, column: String(place), value: ` ${parts.join("  ")}` };
  state.readout.textContent = say("{row}, dimension {column}: {value}", values);
};

const drawOneHot = (strip) => {
  const bar = element("div", "onehot");
  const share = (100 * (strip.hot + 0.5)) / strip.size;
  const one = element("span", "onehot-one");
  one.style.left = `${share}%`;
  const text = element("span", "onehot-text", say("1 at {place}, {n} zeros", { place: strip.hot, n: strip.size - 1 }));
  if (share > 50) text.style.right = `${100 - share + 0.5}%`;
  else text.style.left = `${share + 0.5}%`;
  bar.append(one, text);
  return bar;
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = { cursor: [0, 0] };
    build(parentElement, state);
    states.set(parentElement, state);
  }
  state.data = data;
  state.area.setAttribute("aria-label", say("{label} Arrow keys read the numbers.", { label: `${data.label}.` }));
  state.cells = [];
  state.area.replaceChildren(
    ...data.groups.map((group, g) => {
      const box = element("div", "group");
      const title = element("div", "group-title");
      if (group.token === null) title.append(element("span", "", group.title));
      else {
        const chip = element("span", "chip", visible(group.title));
        tint(chip, group.token);
        title.append(chip, element("span", "quiet name", `id ${grouped(group.token)}`));
      }
      box.append(title);
      const rows = [];
      group.strips.forEach((strip, s) => {
        const name = element("span", "name");
        if (strip.sign) name.append(element("span", "sign", strip.sign));
        name.append(strip.label);
        const values = { label: strip.label, number: number(strip.scale ?? 0) };
        name.title = strip.scale ? say("{label}, full height {number}", values) : strip.label;
        if (!strip.values) {
          rows.push([]);
          box.append(name, drawOneHot(strip));
          return;
        }
        const bar = element("div", strip.marked ? "strip marked" : "strip");
        rows.push(
          strip.values.map((value, place) => {
            const cell = element("span", "cell");
            cell.dataset.group = String(g);
            cell.dataset.strip = String(s);
            cell.dataset.place = String(place);
            const fill = element("i", value < 0 ? "down" : "up");
            fill.style.height = `${(50 * Math.abs(value)) / (strip.scale ?? data.scale)}%`;
            cell.append(fill);
            return cell;
          }),
        );
        bar.append(...rows[s]);
        box.append(name, bar);
      });
      state.cells.push(rows);
      return box;
    }),
  );
  state.scaleText.textContent = say("full height: {number}", { number: number(data.scale) });
  state.readout.textContent = say("Point at a bar, or use the arrow keys, to read its number.");
  savable(state.root, data.label, "", () => [
    ["group", "vector", ...Array.from({ length: data.width }, (_, place) => String(place))],
    ...data.groups.flatMap(({ title, strips }) =>
      strips.map((strip) => [title, strip.label, ...(strip.values ?? [say("1 at {place}, {n} zeros", { place: strip.hot, n: strip.size - 1 })])]),
    ),
  ]);
}
