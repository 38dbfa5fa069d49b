// Bands and boxes are laid out by CSS grid; the arrows are drawn afterwards between the boxes where they ended up,
// and again whenever the width changes.
const SVG = "http://www.w3.org/2000/svg";

const makeNode = (node, send) => {
  const box = element(node.clickable ? "button" : "div", node.clickable ? "node link" : "node");
  box.dataset.id = node.id;
  box.style.setProperty("--column", String(node.column));
  box.append(element("span", "node-title", node.title), element("span", "node-text", node.text));
  if (node.clickable) {
    box.type = "button";
    const open = element("span", "node-open unsaved", say("Open →"));
    box.append(open);
    const name = say("{title}: {text}", { title: node.title, text: node.text });
    box.setAttribute("aria-label", `${name} ${open.textContent}`);
    box.addEventListener("click", () => send(node.id));
  }
  return box;
};

const arrow = (svg, path) => {
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  line.setAttribute("class", "arrow");
  line.setAttribute("marker-end", "url(#head)");
  svg.append(line);
};

const draw = (state) => {
  const { root, svg, boxes, edges } = state;
  const outer = root.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${outer.width} ${outer.height}`);
  svg.querySelectorAll(".arrow").forEach((each) => each.remove());
  const gap = 5;
  for (const [from, to] of edges) {
    const a = boxes.get(from).getBoundingClientRect();
    const b = boxes.get(to).getBoundingClientRect();
    const place = (box) => ({
      left: box.left - outer.left,
      right: box.right - outer.left,
      top: box.top - outer.top,
      bottom: box.bottom - outer.top,
      x: box.left - outer.left + box.width / 2,
      y: box.top - outer.top + box.height / 2,
    });
    const p = place(a);
    const q = place(b);
    if (q.left > p.right) {
      const middle = (p.right + q.left) / 2;
      arrow(svg, `M${p.right} ${p.y} C${middle} ${p.y} ${middle} ${q.y} ${q.left - gap} ${q.y}`);
      continue;
    }
    // One below the other: straight if nothing stands between, else around the left edge.
    const between = [...boxes.values()].some((box) => {
      const r = place(box.getBoundingClientRect());
      return r.top > p.bottom - 1 && r.bottom < q.top + 1 && r.left < p.x && r.right > p.x;
    });
    if (between) {
      const x = Math.max(4, Math.min(p.left, q.left) - 16);
      arrow(svg, `M${p.left} ${p.y} C${x} ${p.y} ${x} ${p.y} ${x} ${p.y + 16} L${x} ${q.y - 16} C${x} ${q.y} ${x} ${q.y} ${q.left - gap} ${q.y}`);
    } else {
      arrow(svg, `M${p.x} ${p.bottom} L${q.x} ${q.top - gap}`);
    }
  }
};

const build = (parentElement) => {
  const root = element("div", "root map");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "arrows");
  svg.setAttribute("aria-hidden", "true");
  const defs = document.createElementNS(SVG, "defs");
  const marker = document.createElementNS(SVG, "marker");
  for (const [name, value] of Object.entries({
    id: "head",
    viewBox: "0 0 10 10",
    refX: "8",
    refY: "5",
    markerWidth: "6",
    markerHeight: "6",
    orient: "auto-start-reverse",
  })) {
    marker.setAttribute(name, value);
  }
  const tip = document.createElementNS(SVG, "path");
  tip.setAttribute("d", "M0 0 L10 5 L0 10 z");
  tip.setAttribute("class", "head");
  marker.append(tip);
  defs.append(marker);
  svg.append(defs);
  const bands = element("div", "bands");
  root.append(bands, svg);
  parentElement.append(root);
  const state = { root, svg, bands, boxes: new Map(), edges: [], shown: "", send: null };
  state.observer = new ResizeObserver(() => draw(state));
  state.observer.observe(root);
  onThemeChange(root, () => draw(state));
  return state;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  const shown = JSON.stringify(data.stages);
  if (shown !== state.shown) {
    state.shown = shown;
    state.boxes.clear();
    state.edges = [];
    const bands = data.stages.map((stage) => {
      const band = element("section", "band");
      band.setAttribute("aria-label", stage.title);
      const head = element("div", "band-head");
      head.append(element("div", "band-title", stage.title), element("div", "band-text quiet", stage.text));
      const nodes = element("div", "nodes");
      const perColumn = new Map();
      for (const { column } of stage.nodes) perColumn.set(column, (perColumn.get(column) ?? 0) + 1);
      const rows = Math.max(...perColumn.values());
      // Room on the left: the heading stands there instead of above.
      const first = Math.min(...perColumn.keys());
      if (first >= 3) {
        band.classList.add("beside");
        band.style.setProperty("--head-end", String(first));
        band.style.setProperty("--rows", String(rows));
      }
      for (const node of stage.nodes) {
        const box = makeNode(node, (id) => state.send("clicked", id));
        if (perColumn.get(node.column) < rows) box.style.setProperty("--span", String(rows));
        state.boxes.set(node.id, box);
        nodes.append(box);
        for (const before of node.after) state.edges.push([before, node.id]);
      }
      nodes.prepend(head);
      band.append(nodes);
      return band;
    });
    state.bands.replaceChildren(...bands);
  }
  draw(state);
  savable(state.root, say("The course as a map"), "", () => [
    ["stage", "step", "text", "follows"],
    ...data.stages.flatMap(({ title, nodes }) => nodes.map((node) => [title, node.title, node.text, node.after.join(", ")])),
  ]);
  return () => state.observer.disconnect();
}
