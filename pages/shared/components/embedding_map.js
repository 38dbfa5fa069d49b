// Points are kept by token id between updates, so that a change of checkpoint moves them instead of drawing anew.
// The keyboard's way to choose a token is the list beside the map; the tools here are buttons.
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = [
  "M0 -5 A5 5 0 1 1 0 5 A5 5 0 1 1 0 -5 Z",
  "M-4.5 -4.5 H4.5 V4.5 H-4.5 Z",
  "M0 -5.5 L5.5 4.5 L-5.5 4.5 Z",
  "M0 -6 L6 0 L0 6 L-6 0 Z",
  "M0 6 L5.5 -4.5 L-5.5 -4.5 Z",
];
const REST = "M0 -2.6 A2.6 2.6 0 1 1 0 2.6 A2.6 2.6 0 1 1 0 -2.6 Z";

const shape = (tag, attributes = {}) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

const shownName = (text) => {
  const shown = text.replaceAll("\r", "␍").replaceAll("\n", "↵").replaceAll("\t", "⇥");
  return shown.trim() ? shown.trim() : shown.replaceAll(" ", "␣") || "∅";
};
const look = (group, groups) =>
  group === groups.length - 1 ? { path: REST, name: "rest" } : { path: SHAPES[group], name: `g${group}` };

const build = (parentElement, state) => {
  const root = element("div", "root");
  state.root = root;
  state.legend = element("div", "legend");
  state.board = element("div", "board");
  state.svg = shape("svg", { class: "map", role: "img" });
  state.threads = shape("g");
  state.layer = shape("g");
  state.svg.append(state.threads, state.layer);
  state.tip = element("div", "tip");
  const tools = element("div", "tools unsaved");
  const tool = (text, label, act) => {
    const button = element("button", "tool", text);
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.title = label;
    button.addEventListener("click", act);
    tools.append(button);
  };
  const zoom = (factor) => {
    state.zoom = Math.min(16, Math.max(1, state.zoom * factor));
    if (state.zoom === 1) state.centre = middleOf(state);
    place(state);
  };
  tool("+", say("Zoom in"), () => {
    const point = state.data.points.find(([id]) => id === state.data.selected);
    if (state.zoom === 1 && point) state.centre = [point[2], point[3]];
    zoom(1.6);
  });
  tool("−", say("Zoom out"), () => zoom(1 / 1.6));
  tool(say("Whole map"), say("Show the whole map"), () => zoom(0));
  state.board.append(state.svg, state.tip, tools);
  root.append(state.legend, state.board);
  parentElement.append(root);

  const nearest = (event) => {
    const box = state.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let closest = 16 * 16;
    for (const [id, made] of state.made) {
      const away = (made.x - x) ** 2 + (made.y - y) ** 2;
      if (away < closest) [best, closest] = [id, away];
    }
    return best;
  };
  state.svg.addEventListener("pointermove", (event) => {
    if (state.drag) {
      const [x, y, centre] = state.drag;
      const moved = [event.clientX - x, event.clientY - y];
      if (Math.hypot(...moved) > 4) state.moved = true;
      const unit = scaleOf(state);
      state.centre = [centre[0] - moved[0] / unit, centre[1] + moved[1] / unit];
      place(state, true);
      return;
    }
    const id = nearest(event);
    state.tip.classList.toggle("shown", id !== null);
    if (id === null) return;
    const made = state.made.get(id);
    state.tip.textContent = `${quoted(visible(made.text))} · id ${id} · ${state.data.groups[made.group]}`;
    const width = state.tip.offsetWidth;
    const board = state.board.clientWidth;
    state.tip.style.left = `${Math.max(0, Math.min(made.x - width / 2, board - width))}px`;
    state.tip.style.top = `${made.y > 50 ? made.y - 40 : made.y + 14}px`;
  });
  state.svg.addEventListener("pointerleave", () => state.tip.classList.remove("shown"));
  state.svg.addEventListener("pointerdown", (event) => {
    state.moved = false;
    if (state.zoom === 1) return;
    state.drag = [event.clientX, event.clientY, [...state.centre]];
    state.svg.setPointerCapture(event.pointerId);
  });
  state.svg.addEventListener("pointerup", () => (state.drag = null));
  state.svg.addEventListener("pointercancel", () => (state.drag = null));
  state.svg.addEventListener("click", (event) => {
    if (state.moved) return;
    const id = nearest(event);
    if (id !== null) state.send("clicked", id);
  });
  new ResizeObserver(() => place(state, true)).observe(state.board);
};

const EDGE = 34; // pixels kept free around the points

const scaleOf = (state) => {
  const [left, right, bottom, top] = state.data.bounds;
  const across = (state.width - 2.6 * EDGE) / Math.max(right - left, 1e-9);
  const up = (state.height - 2 * EDGE) / Math.max(top - bottom, 1e-9);
  return Math.min(across, up) * state.zoom;
};

const middleOf = (state) => {
  const [left, right, bottom, top] = state.data.bounds;
  return [(left + right) / 2, (bottom + top) / 2];
};

const place = (state, still = false) => {
  if (!state.data || !state.root.isConnected) return;
  state.width = state.board.clientWidth;
  state.height = Math.max(320, Math.min(600, state.width * 0.85));
  if (!state.width) return;
  const { points, selected, near } = state.data;
  state.svg.setAttribute("viewBox", `0 0 ${state.width} ${state.height}`);
  state.svg.style.height = `${state.height}px`;
  state.svg.classList.toggle("zoomed", state.zoom > 1);
  const unit = scaleOf(state);
  const toX = (x) => state.width / 2 - 0.3 * EDGE + (x - state.centre[0]) * unit;
  const toY = (y) => state.height / 2 - (y - state.centre[1]) * unit;
  for (const [id, , x, y] of points) {
    const made = state.made.get(id);
    made.x = toX(x);
    made.y = toY(y);
    made.group_.style.transition = still ? "none" : "";
    made.group_.style.transform = `translate(${made.x}px, ${made.y}px)`;
  }
  // Labels in order of importance, each only where it covers no other.
  const taken = [];
  const nearby = new Set(near);
  const rank = (id) => (id === selected ? 0 : nearby.has(id) ? 1 : 2);
  const order = [...points].sort((a, b) => rank(a[0]) - rank(b[0]));
  for (const [id] of order) {
    const made = state.made.get(id);
    const width = (id === selected ? 9 : 7) * made.label.length + 12;
    const box = [made.x + 4, made.y - 9, made.x + 4 + width, made.y + 7];
    const outside = box[0] < 0 || box[2] > state.width || box[1] < 0 || box[3] > state.height;
    const covered = taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1]);
    const shown = !outside && (rank(id) === 0 || !covered);
    if (shown) taken.push(box);
    made.group_.classList.toggle("labelled", shown);
    made.group_.classList.toggle("selected", id === selected);
    made.group_.classList.toggle("near", nearby.has(id));
  }
  const from = state.made.get(selected);
  state.threads.replaceChildren(
    ...(from ? near : []).map((id) => {
      const to = state.made.get(id);
      return shape("line", { class: "thread", x1: from.x, y1: from.y, x2: to.x, y2: to.y });
    }),
  );
  if (from) state.layer.append(from.group_); // above the others
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = { made: new Map(), zoom: 1, centre: [0, 0], drag: null, moved: false };
    build(parentElement, state);
    states.set(parentElement, state);
  }
  const first = !state.data;
  state.data = data;
  if (state.zoom === 1) state.centre = middleOf(state);
  state.send = setTriggerValue;
  state.svg.setAttribute("aria-label", data.label);
  state.legend.replaceChildren(
    ...data.groups.map((name, index) => {
      const item = element("span", "legend-item");
      const { path, name: className } = look(index, data.groups);
      const svg = shape("svg", { viewBox: "-7 -7 14 14", "aria-hidden": "true" });
      svg.append(shape("path", { d: path, class: className }));
      item.append(svg, element("span", "", name));
      return item;
    }),
  );
  const wanted = new Set(data.points.map(([id]) => id));
  for (const [id, made] of state.made) {
    if (!wanted.has(id)) {
      made.group_.remove();
      state.made.delete(id);
    }
  }
  // The frequent ones last, so that they lie on top.
  for (const [id, text, , , group] of [...data.points].reverse()) {
    let made = state.made.get(id);
    if (!made) {
      const group_ = shape("g", { class: "point" });
      const mark = shape("path");
      const caption = shape("text", { x: "7", y: "4" });
      group_.append(mark, caption);
      state.layer.append(group_);
      made = { group_, mark, caption };
      state.made.set(id, made);
    }
    const { path, name } = look(group, data.groups);
    made.mark.setAttribute("d", path);
    made.mark.setAttribute("class", name);
    made.text = text;
    made.label = shownName(text);
    made.group = group;
    made.caption.textContent = made.label;
  }
  place(state, first);
  savable(state.root, say("Embedding space"), data.label, () => [
    ["id", "token", "x", "y", "group"],
    ...data.points.map(([id, text, x, y, group]) => [id, text, x, y, data.groups[group]]),
  ]);
}
