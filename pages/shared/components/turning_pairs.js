// An arrow lies along the x axis and is turned by a CSS transform, so that a change of position is seen as a turn.
const SVG = "http://www.w3.org/2000/svg";

const shape = (tag, attributes) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};

const number = (value) => (value < 0 ? "−" : "") + decimal(Math.abs(value).toFixed(2));

const degrees = (radians) => {
  const turn = (radians * 180) / Math.PI;
  return turn >= 1 ? `${turn.toFixed(0)}°` : decimal(`${turn.toPrecision(2)}°`);
};

const hand = (className) => {
  const group = shape("g", { class: className });
  group.append(shape("line", { x1: "0", y1: "0" }), shape("path", { d: "M0 -6 L11 0 L0 6 Z" }));
  return group;
};

const point = (group, angle, length) => {
  const reach = Math.max(4, 78 * length);
  group.querySelector("line").setAttribute("x2", String(reach));
  group.querySelector("path")?.setAttribute("transform", `translate(${reach} 0)`);
  group.style.transform = `rotate(${-angle}rad)`; // counterclockwise, as angles are drawn in mathematics
};

const makeDial = (index) => {
  const figure = element("figure", "dial");
  const svg = shape("svg", { viewBox: "-100 -100 200 200", "aria-hidden": "true" });
  svg.append(shape("circle", { class: "rim", r: "96" }));
  const ghosts = [shape("g", { class: "ghost" }), shape("g", { class: "ghost" })];
  for (const ghost of ghosts) ghost.append(shape("line", { x1: "0", y1: "0" }));
  const query = hand("hand query");
  const key = hand("hand key-hand");
  svg.append(...ghosts, key, query);
  const caption = element("figcaption");
  const turn = element("span", "quiet");
  const product = element("span", "");
  caption.append(element("span", "dial-name", say("Pair {n}", { n: index })), turn, element("br"), product);
  figure.append(svg, caption);
  return { figure, ghosts, query, key, turn, product };
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    const root = element("div", "root");
    const key = element("div", "key");
    const dials = element("div", "dials");
    dials.setAttribute("role", "group");
    dials.setAttribute("aria-label", say("Pairs of numbers as arrows"));
    root.append(key, dials);
    parentElement.append(root);
    state = { root, key, dials, made: [] };
    states.set(parentElement, state);
  }
  const entry = (className, text) => {
    const made = element("span");
    made.append(element("span", `line ${className}`), text);
    return made;
  };
  state.key.replaceChildren(
    entry("query", data.queryName),
    entry("key-arrow", data.keyName),
    entry("before", say("both before the turn")),
  );
  while (state.made.length > data.dials.length) state.made.pop().figure.remove();
  data.dials.forEach((dial, index) => {
    if (!state.made[index]) {
      state.made.push(makeDial(index));
      state.dials.append(state.made[index].figure);
    }
    const made = state.made[index];
    point(made.ghosts[0], dial.query[0], dial.query[2]);
    point(made.ghosts[1], dial.key[0], dial.key[2]);
    point(made.query, dial.query[1], dial.query[2]);
    point(made.key, dial.key[1], dial.key[2]);
    made.turn.textContent = say("{angle} a step", { angle: degrees(dial.turn) });
    made.product.textContent = say("adds {number}", { number: number(dial.product) });
  });
  savable(state.root, say("Pairs of numbers as arrows"), `${data.queryName} · ${data.keyName}`, () => [
    ["pair", "query angle", "query turned", "query length", "key angle", "key turned", "key length", "turn", "product"],
    ...data.dials.map((dial, index) => [index, ...dial.query, ...dial.key, dial.turn, dial.product]),
  ]);
}
