// A tree of nested boxes; one tab stop, arrow keys go up, down and across, Enter chooses a node.
const describe = (state, index) => {
  const [id, text, bytes, merge, count, children] = state.nodes[index];
  const parts = [quoted(text), `id ${id}`, say("bytes {bytes}", { bytes })];
  if (merge === null) parts.push(children.length ? "" : say("not made by a merge"));
  else parts.push(say("merge {n}", { n: merge }));
  if (count !== null) parts.push(`${grouped(count)} ${state.countName}`);
  if (children.length) {
    const [left, right] = children.map((child) => quoted(state.nodes[child][1]));
    parts.push(say("made of {left} and {right}", { left, right }));
  }
  return parts.filter(Boolean).join(" · ");
};

const draw = (state, index, parent) => {
  const [id, text, , merge, count, children] = state.nodes[index];
  const box = element("div", "branch");
  const button = element("button", "node");
  button.type = "button";
  button.tabIndex = index === 0 ? 0 : -1;
  button.dataset.index = String(index);
  tint(button, id);
  button.append(element("bdi", "text", text));
  button.append(element("span", "line", `id ${id}`));
  if (merge !== null) button.append(element("span", "line", say("merge {n}", { n: merge })));
  if (count !== null) button.append(element("span", "line", `${grouped(count)} ×`));
  button.setAttribute("aria-label", describe(state, index));
  state.buttons[index] = button;
  state.parents[index] = parent;
  box.append(button);
  if (children.length) {
    const below = element("div", "below");
    children.forEach((child) => below.append(draw(state, child, index)));
    box.append(below);
  }
  return box;
};

const build = (parentElement) => {
  const root = element("div", "root");
  const scroller = element("div", "scroller");
  scroller.setAttribute("role", "group");
  const tip = element("div", "tip");
  tip.setAttribute("aria-hidden", "true"); // the button's own label says the same
  root.append(scroller, tip);
  parentElement.append(root);
  const state = { root, scroller, nodes: [], buttons: [], parents: [], stop: 0, send: null, drawn: "" };
  const indexOf = (event) => {
    const button = event.target.closest?.("button.node");
    return button ? Number(button.dataset.index) : null;
  };
  const show = (index) => {
    showTip(tip, root, state.buttons[index].getBoundingClientRect(), describe(state, index));
  };
  const hide = () => tip.classList.remove("shown");
  const focus = (index) => {
    state.buttons[state.stop]?.setAttribute("tabindex", "-1");
    state.stop = index;
    state.buttons[index].setAttribute("tabindex", "0");
    state.buttons[index].focus();
  };
  scroller.addEventListener("pointerover", (event) => {
    const index = indexOf(event);
    if (index !== null) show(index);
  });
  scroller.addEventListener("pointerleave", hide);
  scroller.addEventListener("scroll", hide, { passive: true });
  scroller.addEventListener("focusin", (event) => {
    const index = indexOf(event);
    if (index === null) return;
    state.buttons[state.stop]?.setAttribute("tabindex", "-1");
    state.stop = index;
    state.buttons[index].setAttribute("tabindex", "0");
    show(index);
  });
  scroller.addEventListener("focusout", hide);
  scroller.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index !== null) state.send("clicked", index);
  });
  scroller.addEventListener("keydown", (event) => {
    const index = indexOf(event);
    if (event.key === "Escape") hide();
    if (index === null) return;
    const parent = state.parents[index];
    const siblings = parent === null ? [index] : state.nodes[parent][5];
    const target = {
      ArrowUp: parent,
      ArrowDown: state.nodes[index][5][0],
      ArrowLeft: siblings[0],
      ArrowRight: siblings[siblings.length - 1],
      Home: 0,
    }[event.key];
    if (target === undefined && !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (target !== undefined && target !== null && target !== index) focus(target);
  });
  return state;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.countName = data.countName;
  state.scroller.setAttribute("aria-label", data.label);
  savable(state.root, data.label, "", () => [
    ["token", "id", "bytes", "merge", "count", "left", "right"],
    ...data.nodes.map(([id, text, bytes, merge, count, [left, right]]) => [
      ...[text, id, bytes, merge, count],
      ...[left, right].map((child) => data.nodes[child]?.[1] ?? null),
    ]),
  ]);
  const drawn = JSON.stringify(data);
  if (state.drawn === drawn) return;
  state.drawn = drawn;
  state.nodes = data.nodes;
  state.buttons = [];
  state.parents = [];
  state.stop = 0;
  state.scroller.replaceChildren(draw(state, 0, null));
  // A wide tree begins with its root in view.
  const root = state.buttons[0];
  state.scroller.scrollLeft = root.offsetLeft + root.offsetWidth / 2 - state.scroller.clientWidth / 2;
}
