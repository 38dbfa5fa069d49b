// An SVG of fixed coordinates: the residual stream is the thick line on the left, every operation a box that is a
// button. One tab stop; the arrow keys move along the boxes.
const SVG = "http://www.w3.org/2000/svg";
const STREAM = 18;
const LEFT = 54;
const WIDTH = 320;
const HEIGHT = 30;
const STEP = 37;

const shape = (tag, attributes, text) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
};

const build = (parentElement) => {
  const root = element("div", "root");
  const frame = element("div", "scroll");
  root.append(frame);
  parentElement.append(root);
  const state = { root, frame, buttons: [], stop: 0, shown: "", send: null };
  const moveTo = (index) => {
    state.buttons[state.stop]?.setAttribute("tabindex", "-1");
    state.stop = index;
    state.buttons[index]?.setAttribute("tabindex", "0");
  };
  state.moveTo = moveTo;
  const indexOf = (event) => state.buttons.indexOf(event.target.closest?.(".op"));
  frame.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    moveTo(index);
    state.send("clicked", state.data.boxes[index].key);
  });
  frame.addEventListener("keydown", (event) => {
    const index = indexOf(event);
    if (index < 0) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      state.send("clicked", state.data.boxes[index].key);
      return;
    }
    const last = state.buttons.length - 1;
    const target = {
      ArrowDown: Math.min(index + 1, last),
      ArrowRight: Math.min(index + 1, last),
      ArrowUp: Math.max(index - 1, 0),
      ArrowLeft: Math.max(index - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    moveTo(target);
    state.buttons[target].focus();
  });
  return state;
};

// Where each box stands, and where the repeated block begins and ends.
const layOut = (boxes) => {
  let y = 4;
  let inside = false;
  const tops = [];
  const block = {};
  for (const box of boxes) {
    if (box.group && !inside) {
      inside = true;
      block.top = y;
      y += 30;
    } else if (!box.group && inside) {
      inside = false;
      block.bottom = y + 2;
      y += 16;
    }
    tops.push(y);
    y += STEP;
  }
  return { tops, block, height: y };
};

const draw = (state) => {
  const { boxes, repeated } = state.data;
  const { tops, block, height } = layOut(boxes);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "group", class: "map" });
  svg.setAttribute("aria-label", say("The model from top to bottom. Arrow keys move, Enter chooses an operation."));
  const middle = (index) => tops[index] + HEIGHT / 2;
  const first = boxes.findLastIndex((box) => box.place === "before");
  const last = boxes.findIndex((box) => box.place === "after");
  if (block.bottom) {
    svg.append(shape("rect", { x: 2, y: block.top, width: WIDTH - 4, height: block.bottom - block.top, rx: 8, class: "block" }));
    svg.append(shape("text", { x: WIDTH - 12, y: block.top + 19, class: "repeat", "text-anchor": "end" }, repeated));
  }
  const line = (path, className = "wire") => svg.append(shape("path", { d: path, class: className }));
  line(`M${STREAM} ${middle(first)} V${middle(last)}`, "stream");
  const tip = (x, y, direction) =>
    svg.append(shape("path", { d: `M${x} ${y} l${-7 * direction} -4 v8 z`, class: "tip" }));
  boxes.forEach((box, index) => {
    const y = middle(index);
    if (index > 0 && box.place !== "add" && boxes[index - 1].place === box.place && boxes[index - 1].group === box.group)
      line(`M${(LEFT + WIDTH) / 2} ${tops[index - 1] + HEIGHT} V${tops[index]}`);
    if (index === first) {
      line(`M${LEFT} ${y} H${STREAM}`);
    } else if (index === last || (box.place === "branch" && boxes[index - 1]?.group !== box.group) || (box.place === "branch" && boxes[index - 1]?.place === "add")) {
      line(`M${STREAM} ${y} H${LEFT - 6}`);
      tip(LEFT, y, 1);
    }
    if (box.place === "add") {
      line(`M${(LEFT + WIDTH) / 2} ${tops[index - 1] + HEIGHT} V${tops[index]}`);
      line(`M${LEFT} ${y} H${STREAM + 14}`);
      tip(STREAM + 10, y, -1);
      svg.append(shape("circle", { cx: STREAM, cy: y, r: 10, class: "sum" }));
      line(`M${STREAM - 5} ${y} h10 M${STREAM} ${y - 5} v10`, "plus");
    }
  });
  state.buttons = boxes.map((box, index) => {
    const button = shape("g", { class: `op ${box.group.toLowerCase() || "outer"}`, role: "button", tabindex: "-1" });
    button.setAttribute("aria-label", `${box.title}, ${box.shape}${box.group ? `, ${box.group}` : ""}`);
    button.append(
      shape("rect", { x: LEFT, y: tops[index], width: WIDTH - LEFT - 10, height: HEIGHT, rx: 6 }),
      shape("text", { x: LEFT + 10, y: tops[index] + 20, class: "op-title" }, box.title),
      shape("text", { x: WIDTH - 18, y: tops[index] + 20, class: "op-shape", "text-anchor": "end" }, box.shape),
    );
    svg.append(button);
    return button;
  });
  state.frame.replaceChildren(svg);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  const shown = JSON.stringify([data.boxes, data.repeated]);
  if (shown !== state.shown) {
    const focused = state.buttons.some((each) => each === state.root.getRootNode().activeElement);
    state.shown = shown;
    draw(state);
    if (focused) state.buttons[Math.min(state.stop, state.buttons.length - 1)]?.focus();
  }
  const current = data.boxes.findIndex((box) => box.key === data.current);
  state.buttons.forEach((button, index) => {
    if (index === current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
  state.moveTo(current);
  const { frame } = state;
  if (frame.scrollHeight > frame.clientHeight + 2) {
    const box = state.buttons[current].getBoundingClientRect();
    const outer = frame.getBoundingClientRect();
    frame.scrollTop += box.top - outer.top - frame.clientHeight / 2 + box.height / 2;
  }
  savable(state.root, say("Architecture"), data.repeated, () => [
    ["operation", "shape", "place", "part"],
    ...data.boxes.map((box) => [box.title, box.shape, box.place, box.group]),
  ]);
}
