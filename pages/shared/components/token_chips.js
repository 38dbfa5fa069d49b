// One button per token, in lines that read in the direction of their text. Big texts are drawn in slices, so that no
// single task blocks the page, and an edit repaints only the chips that it changed.
const BIG = 1500; // chips from which on lines off screen are not laid out
const LONG_LINE = 250; // chips in one line of a big text, after which it is broken
const SLICE = 8; // milliseconds of drawing at a time
const DRAWN = 60; // characters of one token that are drawn
const JOINED = 18; // characters of one word that stay on one line

const NAMES = {
  0xa0: "NBSP", 0xad: "SHY", 0x34f: "CGJ", 0x61c: "ALM", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ",
  0x200e: "LRM", 0x200f: "RLM", 0x2028: "LS", 0x2029: "PS", 0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF",
  0x202d: "LRO", 0x202e: "RLO", 0x202f: "NNBSP", 0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI",
  0x2069: "PDI", 0x3000: "IDSP", 0xfeff: "BOM",
};
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u00a0\u034f\u202f\u3000\ufe00-\ufe0f]/u; // nothing to see, or not what it seems
const PLAIN = /^[\x20-\x7e\p{L}\p{N}]*$/u;
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
const WORD_INSIDE = /^[\p{L}\p{N}]/u;
const WORD_END = /[\p{L}\p{N}]$/u;
const NO_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
const ARABIC = /[\u0620-\u064a\u066e-\u06d3]/;
const NOT_JOINING_ON = /[\u0621-\u0625\u0627\u0629\u062f-\u0632\u0648\u0649\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0-\u06cb\u06d2\u06d3]/;

const encoder = new TextEncoder();
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

const nameOf = (character) => {
  const code = character.codePointAt(0);
  if (code >= 0xfe00 && code <= 0xfe0f) return `VS${code - 0xfe00 + 1}`;
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
};

// A token as [class, text] pieces: characters as they are, signs for what cannot be seen.
const pieces = (text, whitespace) => {
  if (PLAIN.test(text)) return [["", whitespace ? text.replaceAll(" ", "␣") : text]];
  const characters = Array.from(text);
  const named = whitespace || characters.every((each) => each === " " || UNSEEN.test(each));
  const found = [];
  let plain = "";
  const add = (kind, shown) => {
    if (plain) found.push(["", plain]);
    plain = "";
    found.push([kind, shown]);
  };
  characters.forEach((each, index) => {
    const code = each.codePointAt(0);
    if (each === "\n") add("sign", "↵");
    else if (each === "\t" && !whitespace) plain += each;
    else if (each === "\t") add("sign", "⇥");
    else if (each === " " && whitespace) plain += "␣";
    else if (code < 0x20) add("sign", String.fromCodePoint(0x2400 + code));
    else if (code === 0x7f) add("sign", "␡");
    else if (named && UNSEEN.test(each)) add("label", nameOf(each));
    else plain += index === 0 && /\p{M}/u.test(each) ? `◌${each}` : each;
  });
  if (plain) found.push(["", plain]);
  return found;
};

const asText = (text, limit) => {
  const characters = Array.from(text);
  const cut = characters.length > limit ? characters.slice(0, limit).join("") : text;
  return pieces(cut, true).map(([, shown]) => shown).join("") + (cut.length < text.length ? "…" : "");
};

const bytesOf = (state, index) => {
  const unusual = state.rows.unusual[index];
  return unusual ? unusual[2].replace(/..(?!$)/g, "$& ") : hex(encoder.encode(state.rows.texts[index]));
};

const paint = (state, button, index) => {
  const { ids, unusual } = state.rows;
  const [nHead, goesOn, , name] = unusual[index] ?? [0, 0, "", ""];
  const whole = state.bare[index];
  const cut = whole.length > 2 * DRAWN ? Array.from(whole).slice(0, DRAWN).join("") + "…" : whole;
  button.className = "chip";
  tint(button, ids[index]);
  if (nHead) button.classList.add("came-in");
  if (goesOn) button.classList.add("goes-on");
  if (name) button.classList.add("hidden-text");
  if (/^<\|.*\|>$/.test(whole)) button.classList.add("special");
  if (state.marks.has(index)) button.classList.add("mark");
  const join = state.joins[index] ?? 0;
  const drawn = pieces(cut, state.whitespace);
  const bytes = state.bytes || nHead || goesOn || !/^[\x00-\x7f]*$/.test(whole);
  // A plain token is one element; one with something beneath its text has an element for each.
  const text = name || bytes ? element("span", "text") : button;
  if (drawn.length === 1 && !drawn[0][0] && !nHead) {
    text.textContent = (join & 1 ? "\u200d" : "") + drawn[0][1] + (join & 2 ? "\u200d" : "");
  } else {
    text.replaceChildren();
    if (nHead) text.append(element("span", "sign", "…"));
    for (const [kind, shown] of drawn) text.append(kind ? element("span", kind, shown) : shown);
  }
  if (/[^\s\u200d]/.test(text.textContent)) button.removeAttribute("aria-label");
  else button.setAttribute("aria-label", describe(state, index));
  if (name) button.replaceChildren(text, element("span", "name", name));
  else if (bytes) button.replaceChildren(text, element("span", "bytes", bytesOf(state, index)));
};

const describe = (state, index) => {
  const { ids, texts, starts, ends, unusual } = state.rows;
  const name = unusual[index]?.[3];
  const times = state.places.get(ids[index])?.length ?? 1;
  const parts = [say("Token {place}: {token}", { place: String(index + 1), token: quoted(asText(texts[index], 40)) })];
  if (name) parts.push(say("read as {name}", { name }));
  parts.push(`id ${ids[index]}`, say("bytes {bytes}", { bytes: bytesOf(state, index).slice(0, 119) }));
  parts.push(say("characters {from} to {to}", { from: String(starts[index]), to: String(ends[index]) }));
  if (times > 1) parts.push(say("{n} times here", { n: times }));
  if (state.marks.has(index)) parts.push(say("begins where the other has no boundary"));
  return parts.join(", ");
};

const fillTip = (state, index) => {
  const { ids, texts, starts, ends, unusual } = state.rows;
  const [nHead, goesOn, , name] = unusual[index] ?? [0, 0, "", ""];
  const times = state.places.get(ids[index])?.length ?? 1;
  const title = element("div", "tip-text");
  const token = quoted(asText(texts[index], 40));
  title.textContent = name ? say("{token} is read as {name}", { token, name }) : token;
  const bytes = bytesOf(state, index);
  const n = (bytes.length + 1) / 3;
  const shown = bytes.length > 71 ? `${bytes.slice(0, 71)} …` : bytes;
  const lines = [title, element("div", "", `id ${ids[index]} · text[${starts[index]}:${ends[index]}]`)];
  const length = { n: String(n), bytes: shown };
  lines.push(
    element("div", "tip-bytes", n === 1 ? say("{n} byte: {bytes}", length) : say("{n} bytes: {bytes}", length)),
  );
  if (nHead || goesOn) lines.push(element("div", "", say("Holds only part of a character.")));
  if (times > 1) lines.push(element("div", "", say("{n} times in this text", { n: times })));
  state.tip.replaceChildren(...lines);
};

// "rtl", "ltr", "num" (digits, which read left to right everywhere) or "" for what follows its surroundings.
const directionOf = (text) => {
  const first = text.match(/\p{L}|\p{N}/u)?.[0];
  if (first === undefined) return "";
  if (RIGHT_TO_LEFT.test(first)) return "rtl";
  return /\p{N}/u.test(first) ? "num" : "ltr";
};

// Chips are atoms to the browser's own bidi algorithm, so runs against the direction of the line are wrapped.
const inRuns = (nodes, directions, base, deep = true) => {
  const against = base === "ltr" ? (each) => each === "rtl" : (each) => each === "ltr" || each === "num";
  const stops = base === "ltr" ? (each) => each === "ltr" : (each) => each === "rtl";
  const made = [];
  let index = 0;
  while (index < nodes.length) {
    if (!against(directions[index])) {
      made.push(nodes[index]);
      index += 1;
      continue;
    }
    let last = index;
    for (let next = index + 1; next < nodes.length && !stops(directions[next]); next += 1) {
      if (against(directions[next])) last = next;
    }
    const run = element("span");
    run.dir = base === "ltr" ? "rtl" : "ltr";
    const inner = nodes.slice(index, last + 1);
    const turned = directions.slice(index, last + 1);
    run.append(...(deep ? inRuns(inner, turned, run.dir, false) : inner));
    made.push(run);
    index = last + 1;
  }
  return made;
};

const split = (texts) => {
  const big = texts.length > BIG;
  const lines = [];
  let start = 0;
  texts.forEach((text, index) => {
    const next = texts[index + 1];
    const full = big && index - start >= LONG_LINE && (next?.[0] === " " || index - start >= LONG_LINE + 40);
    if (next === undefined || text.includes("\n") || full) {
      lines.push([start, index + 1]);
      start = index + 1;
    }
  });
  return lines;
};

// Whether a text goes on inside the same word; scripts without spaces may break anywhere.
const goesOn = (before, text) =>
  WORD_INSIDE.test(text) && WORD_END.test(before) && !NO_SPACES.test(text) && !NO_SPACES.test(before);

const drawLine = (state, line) => {
  const texts = state.bare;
  const nodes = [];
  const directions = [];
  let word = null; // the chips of one word stay on one line
  let length = 0;
  for (let index = line.start; index < line.end; index += 1) {
    let button = state.buttons[index];
    if (button === undefined) {
      button = element("button");
      button.type = "button";
      button.tabIndex = index === state.stop ? 0 : -1;
      paint(state, button, index);
      state.buttons[index] = button;
    }
    button.chipIndex = index;
    length += texts[index].length;
    // What follows is the same word, or bytes of the same character.
    if (index > line.start && length <= JOINED && (texts[index] === "" || goesOn(texts[index - 1], texts[index]))) {
      if (word === null) {
        word = element("span", "word");
        word.append(nodes.pop());
        nodes.push(word);
      }
      word.append(button);
    } else {
      word = null;
      length = texts[index].length;
      nodes.push(button);
      directions.push(directionOf(texts[index]));
    }
  }
  const base = directions.find((each) => each === "rtl" || each === "ltr") ?? "ltr";
  // Into the box that keeps the line's place: while it is off screen, its contents cost no style and no layout.
  line.box.dir = base;
  line.box.replaceChildren(...(directions.includes("rtl") ? inRuns(nodes, directions, base) : nodes));
  line.drawn = true;
};

const drawSome = (state, turn) => {
  if (turn !== state.turn || !state.root.isConnected) return;
  const until = performance.now() + SLICE;
  while (state.waiting.length && performance.now() < until) {
    drawLine(state, state.waiting.shift());
  }
  if (state.waiting.length) setTimeout(() => drawSome(state, turn), 0);
  else state.frame.removeAttribute("aria-busy");
};

const joinsOf = (texts) => {
  const joins = {};
  for (let index = 1; index < texts.length; index += 1) {
    const here = texts[index][0];
    if (here === undefined || !ARABIC.test(here)) continue;
    const before = texts[index - 1].at(-1);
    if (before === undefined || !ARABIC.test(before) || NOT_JOINING_ON.test(before)) continue;
    joins[index - 1] = (joins[index - 1] ?? 0) | 2;
    joins[index] = (joins[index] ?? 0) | 1;
  }
  return joins;
};

const legendItem = (className, sample, words) => {
  const item = element("span", "legend-item");
  const swatch = element("span", `swatch ${className}`, sample);
  swatch.setAttribute("aria-hidden", "true");
  item.append(swatch, element("span", "", words));
  return item;
};

const fillLegend = (state) => {
  const odd = Object.values(state.rows.unusual);
  const items = [];
  if (odd.some(([nHead, goesOn]) => nHead || goesOn)) {
    items.push(legendItem("goes-on", "é", say("the token ends inside a character: only its first bytes")));
    items.push(legendItem("sign", "…", say("the character's other bytes")));
  }
  if (odd.some(([, , , name]) => name))
    items.push(legendItem("hidden-text", say("word"), say("unknown: the model reads only the name below")));
  if (state.marks.size) items.push(legendItem("mark", "ab", say("begins where the other has no boundary")));
  state.legend.replaceChildren(...items);
};

const build = (parentElement) => {
  const root = element("div", "root");
  const frame = element("div", "frame");
  frame.setAttribute("role", "group");
  const tip = element("div", "tip");
  tip.setAttribute("aria-hidden", "true"); // a focused chip's own label says the same
  const legend = element("div", "legend quiet");
  root.append(frame, tip, legend);
  parentElement.append(root);
  const state = {
    root, frame, tip, legend, send: null, turn: 0, waiting: [], lines: [], buttons: [], stop: 0, lit: null, equals: new Set(), inView: null,
    rows: { ids: [], texts: [], starts: [], ends: [], unusual: {} },
    bare: [], marks: new Set(), joins: {}, places: new Map(), mode: "", selected: null,
  };

  const chipOf = (event) => event.target.closest?.("button.chip") ?? null;
  // In a big text only what is on screen is lit; lines that come into view are lit when they do.
  const relight = () => {
    const wanted = new Set();
    for (const index of state.places.get(state.lit) ?? []) {
      const button = state.buttons[index];
      if (button && (!state.inView || state.inView.has(button.closest(".line")))) wanted.add(button);
    }
    for (const button of state.equals) if (!wanted.has(button)) button.classList.remove("equal");
    for (const button of wanted) button.classList.add("equal");
    state.equals = wanted;
  };
  const light = (id) => {
    if (state.lit === id) return;
    state.lit = id;
    relight();
  };
  const show = (button) => {
    const index = button.chipIndex;
    light(state.rows.ids[index]);
    fillTip(state, index);
    tip.classList.add("shown");
    tip.style.left = "0"; // where it is at its widest, so that it is measured as it will be
    const box = button.getBoundingClientRect();
    const outer = root.getBoundingClientRect();
    const left = Math.max(0, Math.min(box.left - outer.left, outer.width - tip.offsetWidth));
    const above = box.top - outer.top - tip.offsetHeight - 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${box.top - tip.offsetHeight - 6 < 60 ? box.bottom - outer.top + 6 : above}px`;
  };
  const hide = () => {
    tip.classList.remove("shown");
    light(null);
  };
  const back = () => {
    const focused = root.getRootNode().activeElement;
    if (focused?.classList.contains("chip") && focused.matches(":focus-visible")) show(focused);
    else hide();
  };
  const moveStop = (index) => {
    state.buttons[state.stop]?.setAttribute("tabindex", "-1");
    state.stop = index;
    state.buttons[index]?.setAttribute("tabindex", "0");
  };
  const beside = (from, step) => {
    // The chip above or below: the first in that direction that stands on another line, then the nearest of it.
    const start = state.buttons[from].getBoundingClientRect();
    const middle = (start.left + start.right) / 2;
    let best = null;
    let top = null;
    for (let index = from + step, seen = 0; state.buttons[index] && seen < 800; index += step, seen += 1) {
      const box = state.buttons[index].getBoundingClientRect();
      if (top === null ? Math.abs(box.top - start.top) < 8 : Math.abs(box.top - top) >= 8) {
        if (top === null) continue;
        break;
      }
      top = box.top;
      const far = Math.abs((box.left + box.right) / 2 - middle);
      if (best === null || far < best.far) best = { index, far };
    }
    return best?.index ?? from;
  };

  frame.addEventListener("pointerover", (event) => {
    const button = chipOf(event);
    if (button) show(button);
  });
  frame.addEventListener("pointerleave", back);
  frame.addEventListener("scroll", () => tip.classList.remove("shown"), { passive: true });
  frame.addEventListener("focusin", (event) => {
    const button = chipOf(event);
    if (!button) return;
    moveStop(button.chipIndex);
    button.setAttribute("aria-label", describe(state, button.chipIndex));
    show(button);
  });
  frame.addEventListener("focusout", hide);
  frame.addEventListener("click", (event) => {
    const button = chipOf(event);
    if (button) state.send("clicked", button.chipIndex);
  });
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const button = chipOf(event);
    if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = state.buttons.length - 1;
    const here = button.chipIndex;
    const forward = button.closest("[dir]")?.dir === "rtl" ? -1 : 1;
    const target = {
      ArrowRight: () => here + forward,
      ArrowLeft: () => here - forward,
      ArrowDown: () => beside(here, 1),
      ArrowUp: () => beside(here, -1),
      Home: () => 0,
      End: () => last,
    }[event.key]?.();
    if (target === undefined) return;
    event.preventDefault();
    const next = state.buttons[Math.max(0, Math.min(target, last))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
    if (next) show(next);
  });
  state.moveStop = moveStop;
  state.hide = hide;
  state.watcher = new IntersectionObserver(
    (entries) => {
      if (!state.inView) return;
      for (const { target, isIntersecting } of entries) state.inView[isIntersecting ? "add" : "delete"](target);
      if (state.lit !== null) relight();
    },
    { root: frame, rootMargin: "200px" },
  );
  return state;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.frame.setAttribute("aria-label", data.label);
  if (data.height === null) state.frame.style.removeProperty("--height");
  else state.frame.style.setProperty("--height", `${data.height}px`);

  const { ids, texts, starts, ends, unusual } = data;
  const old = { rows: state.rows, marks: state.marks, joins: state.joins, buttons: state.buttons };
  const marks = new Set(data.marks);
  // Without the \xNN of bytes that belong to the character before.
  const bare = texts.map((text, index) => (unusual[index]?.[0] ? text.slice(4 * unusual[index][0]) : text));
  const joins = joinsOf(bare);
  const mode = `${data.whitespace} ${data.bytes}`;
  const same = (before, now) =>
    old.rows.ids[before] === ids[now] &&
    old.rows.texts[before] === texts[now] &&
    old.marks.has(before) === marks.has(now) &&
    old.joins[before] === joins[now] &&
    String(old.rows.unusual[before]) === String(unusual[now]);
  const n = ids.length;
  const nOld = mode === state.mode ? old.rows.ids.length : 0;
  let head = 0;
  while (head < Math.min(n, nOld) && same(head, head)) head += 1;
  let tail = 0;
  while (tail < Math.min(n, nOld) - head && same(nOld - 1 - tail, n - 1 - tail)) tail += 1;
  const unchanged = head === n && n === nOld && n > 0;

  if (!unchanged) state.hide();
  state.rows = { ids, texts, starts, ends, unusual };
  Object.assign(state, { bare, marks, joins, mode, whitespace: data.whitespace, bytes: data.bytes });
  if (!unchanged) {
    const kept = old.buttons;
    state.buttons = [...kept.slice(0, head), ...new Array(n - head - tail), ...(tail ? kept.slice(nOld - tail, nOld) : [])];
    state.places = new Map();
    ids.forEach((id, index) => {
      const places = state.places.get(id);
      if (places) places.push(index);
      else state.places.set(id, [index]);
    });
    state.stop = Math.max(0, Math.min(state.stop, n - 1));
    // A line whose chips are all kept stays as it is; the others are drawn again.
    const spare = new Map(state.lines.filter((line) => line.drawn).map((line) => [kept[line.start], line]));
    const lines = split(bare).map(([start, end]) => {
      const first = state.buttons[start];
      const before = first && spare.get(first);
      let whole = before !== undefined && before.end - before.start === end - start;
      for (let index = start; whole && index < end; index += 1) {
        whole = state.buttons[index] !== undefined && state.buttons[index] === kept[before.start + index - start];
      }
      if (!whole) return { start, end, box: null, drawn: false };
      for (let index = start; index < end; index += 1) state.buttons[index].chipIndex = index;
      return { start, end, box: before.box, drawn: true };
    });
    for (const line of lines) {
      if (!line.drawn) {
        line.box = element("div", "line");
        line.box.textContent = "\u00a0"; // keeps its place until its turn comes
      }
    }
    state.lines = lines;
    const boxes = lines.map((line) => line.box);
    state.frame.classList.toggle("big", n > BIG);
    state.watcher.disconnect();
    state.inView = n > BIG ? new Set() : null;
    if (n === 0) boxes.push(element("div", "empty", say("No tokens: there is no text yet.")));
    state.frame.replaceChildren(...boxes);
    if (n > BIG) for (const line of lines) state.watcher.observe(line.box);
    state.waiting = lines.filter((line) => !line.drawn);
    if (state.waiting.length) state.frame.setAttribute("aria-busy", "true");
    state.turn += 1;
    drawSome(state, state.turn);
    fillLegend(state);
  }
  if (n) state.moveStop(state.stop);

  if (state.selected !== null) state.selected.removeAttribute("aria-current");
  state.selected = data.selected === null ? null : (state.buttons[data.selected] ?? null);
  state.selected?.setAttribute("aria-current", "true");
  savable(state.root, data.label, "", () => [
    ["place", "id", "token", "bytes", "from", "to"],
    ...ids.map((id, index) => [index + 1, id, texts[index], bytesOf(state, index), starts[index], ends[index]]),
  ]);
}
