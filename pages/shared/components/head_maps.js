// Two places of this component work together: one only receives the maps and keeps them by their digest, the other
// draws the heads in order and waits for the maps it needs.
const shortNames = () => [say("previous"), say("first"), say("itself"), say("same"), say("induction"), say("mixed")];
const KEPT = 4;
const kept = (globalThis[Symbol.for("llm_lessons.head_maps")] ??= { values: new Map(), waiting: new Set() });

const store = (digest, values) => {
  if (!kept.values.has(digest)) {
    kept.values.set(digest, Uint8Array.from(atob(values), (each) => each.charCodeAt(0)));
    for (const old of [...kept.values.keys()].slice(0, -KEPT)) kept.values.delete(old);
  }
  for (const state of kept.waiting) if (state.data.maps?.digest === digest) draw(state);
};

const mix = (one, other, share) => one.map((value, channel) => value + share * (other[channel] - value));

// The same hue as in the single map, always with the square root: small maps are for their pattern.
const ramp = (host) => {
  const low = rgb(host, "--st-background-color");
  const middle = rgb(host, "--st-blue-color");
  const high = mix(middle, rgb(host, "--st-text-color"), 0.5);
  const words = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(words.buffer);
  for (let step = 0; step < 256; step += 1) {
    const share = Math.sqrt(step / 255);
    const colour = share < 0.7 ? mix(low, middle, share / 0.7) : mix(middle, high, (share - 0.7) / 0.3);
    bytes.set([...colour, 255], 4 * step);
  }
  return words;
};

const build = (parentElement) => {
  const root = element("div", "root");
  const grid = element("div", "grid");
  grid.setAttribute("role", "group");
  const state = { root, grid, stop: 0, data: null, send: null };
  state.foot = element("div", "foot quiet");
  state.ramp = element("span", "ramp");
  const legend = element("span");
  legend.append(say("weight 0"), state.ramp, say("1 (square root scale)"));
  state.foot.append(legend);
  root.append(grid, state.foot);
  parentElement.append(root);
  const moveStop = (index) => {
    grid.children[state.stop]?.setAttribute("tabindex", "-1");
    state.stop = index;
    grid.children[index]?.setAttribute("tabindex", "0");
  };
  state.moveStop = moveStop;
  const indexOf = (event) => [...grid.children].indexOf(event.target.closest?.(".tile"));
  grid.addEventListener("focusin", (event) => moveStop(Math.max(0, indexOf(event))));
  grid.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index >= 0) state.send("clicked", state.data.tiles[index].slice(0, 2));
  });
  grid.addEventListener("keydown", (event) => {
    const tiles = [...grid.children];
    const across = Math.max(1, tiles.findIndex((each) => each.offsetTop > tiles[0].offsetTop));
    const target = {
      ArrowRight: state.stop + 1,
      ArrowLeft: state.stop - 1,
      ArrowDown: state.stop + across,
      ArrowUp: state.stop - across,
      Home: 0,
      End: tiles.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    tiles[target]?.focus();
  });
  new ResizeObserver(() => arrange(state)).observe(root);
  onThemeChange(root, () => paint(state));
  return state;
};

const arrange = (state) => {
  const wide = state.root.clientWidth;
  if (!state.data || !wide) return;
  const { columns, size, maps, tiles } = state.data;
  const [least, most] = size === "small" ? [64, 104] : [84, 190];
  const room = Math.max(1, Math.floor((wide + 6) / (least + 6)));
  const across = Math.max(1, Math.min(columns && columns <= room ? columns : room, tiles.length));
  const width = Math.min(most, (wide - 6 * (across - 1)) / across);
  state.grid.style.gridTemplateColumns = `repeat(${across}, ${width}px)`;
  for (const canvas of state.grid.querySelectorAll("canvas")) canvas.className = maps.n_tokens < width ? "coarse" : "";
};

const paint = (state) => {
  const { maps, tiles } = state.data;
  if (!maps || !state.root.isConnected) return;
  const values = kept.values.get(maps.digest);
  if (!values) return;
  const began = performance.now();
  const { n_tokens: n, n_heads: heads, causal } = maps;
  const colours = ramp(state.root);
  const each = causal ? (n * (n + 1)) / 2 : n * n;
  const hex = (step) => `#${(colours[step] & 0xffffff).toString(16).padStart(6, "0").match(/../g).reverse().join("")}`;
  state.ramp.style.background = `linear-gradient(to right, ${[0, 16, 64, 128, 191, 255].map((s) => `${hex(s)} ${(100 * s) / 255}%`).join(", ")})`;
  tiles.forEach(([layer, head], index) => {
    const canvas = state.grid.children[index].querySelector("canvas");
    if (canvas.width !== n) [canvas.width, canvas.height] = [n, n];
    const context = canvas.getContext("2d");
    const image = context.createImageData(n, n);
    const pixels = new Uint32Array(image.data.buffer);
    let place = (layer * heads + head) * each;
    for (let row = 0; row < n; row += 1)
      for (let column = 0; column < (causal ? row + 1 : n); column += 1, place += 1)
        pixels[row * n + column] = colours[values[place]];
    context.putImageData(image, 0, 0);
  });
  state.root.dataset.paintedMs = (performance.now() - began).toFixed(1);
};

const draw = (state) => {
  const { tiles, maps, selected, summary } = state.data;
  const focused = state.root.getRootNode().activeElement?.closest?.(".tile");
  const again = focused ? [...state.grid.children].indexOf(focused) : -1;
  state.grid.setAttribute("aria-label", summary);
  state.foot.style.display = maps ? "" : "none";
  const short = shortNames();
  state.grid.replaceChildren(
    ...tiles.map(([layer, head, kind, lines, name, bar, off]) => {
      const tile = element("button", `tile kind-${kind}${off ? " off" : ""}`);
      tile.type = "button";
      tile.tabIndex = -1;
      tile.title = name;
      tile.setAttribute("aria-label", name);
      if (selected && selected[0] === layer && selected[1] === head) tile.setAttribute("aria-current", "true");
      if (maps) tile.append(element("canvas"));
      const place = `${layer + 1} · ${head + 1}`;
      tile.append(element("span", "place", off ? say("{head} off", { head: place }) : place));
      tile.append(element("span", "line kind", short[kind]));
      for (const line of lines) tile.append(element("span", "line", line));
      if (bar !== null) {
        const track = element("span", "bar");
        const fill = element("i");
        fill.style.width = `${100 * bar}%`;
        track.append(fill);
        tile.append(track);
      }
      return tile;
    }),
  );
  state.moveStop(Math.max(0, Math.min(again >= 0 ? again : state.stop, tiles.length - 1)));
  if (again >= 0) state.grid.children[state.stop]?.focus();
  arrange(state);
  paint(state);
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  if (data.store) {
    store(data.store, data.values);
    return;
  }
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  for (const each of kept.waiting) if (!each.root.isConnected) kept.waiting.delete(each);
  kept.waiting.add(state);
  draw(state);
  savable(state.root, say("Heads"), data.summary, () => [
    ["layer", "head", "kind", "text", "share", "off"],
    ...data.tiles.map(([layer, head, kind, lines, , bar, off]) => [layer + 1, head + 1, shortNames()[kind], lines.join(" · "), bar, off]),
  ]);
}
