// What the "Save" buttons under figures do (`savable` in common.js): mounted once on a page, so that no figure brings
// it along. A figure is read from the page as it is laid out, in the light theme and without its scroll bars, and
// written as plain SVG: rectangles, lines, text, images. The picture is that drawing on a canvas, the page holds it
// beside its numbers. Text only ever passes through `escaped`, and no file holds a script.
const EDGE = 12; // pixels left free around a figure
const MOST_ELEMENTS = 60000;
const MOST_CELLS = 20000; // numbers that a page lists beside its figure
const LARGEST = 16000; // pixels of a picture's side
let light = {};

// Characters that XML has no place for, not even escaped.
const UNWRITABLE = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const MARKUP = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => String(text).replace(UNWRITABLE, "\ufffd").replace(/[&<>"']/g, (each) => MARKUP[each]);
const tag = (name, attributes, inside = "") => {
  const written = Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined);
  const head = written.map(([key, value]) => ` ${key}="${escaped(typeof value === "number" ? round(value) : value)}"`);
  return `<${name}${head.join("")}>${inside}</${name}>`;
};
const round = (value) => Number(value.toFixed(2));
const size = (text) => parseFloat(text) || 0;

// A computed colour as [#rrggbb, opacity]: "rgb(…)" counts to 255, "color(srgb …)" to 1.
const paintOf = (text) => {
  const unit = text.startsWith("color(") ? 255 : 1;
  const [red, green, blue, opacity = 1] = (text.match(/[\d.]+(e-?\d+)?/g) ?? [0, 0, 0, 0]).map(Number);
  const hex = [red, green, blue].map((each) => Math.round(Math.min(255, each * unit)).toString(16).padStart(2, "0"));
  return [`#${hex.join("")}`, opacity];
};
const painted = (kind, text) => {
  const [colour, opacity] = paintOf(text);
  return { [kind]: colour, [`${kind}-opacity`]: opacity < 1 ? opacity : null };
};
const isSeen = (text) => paintOf(text)[1] > 0;

// --- reading the page ------------------------------------------------------------------------------------------------

// The figure in the light theme, unfolded; whatever is changed for that is put back before the browser draws again.
const captured = ({ root, repaint }) => {
  const all = [...root.querySelectorAll("*")];
  if (all.length > MOST_ELEMENTS) throw new Error("too large");
  const before = [];
  const put = (each, name, value) => {
    before.push([each, name, each.style.getPropertyValue(name), each.style.getPropertyPriority(name)]);
    each.style.setProperty(name, value, "important");
  };
  const places = all.filter((each) => each.scrollLeft || each.scrollTop).map((each) => [each, each.scrollLeft, each.scrollTop]);
  root.setAttribute("data-saving", "");
  try {
    for (const [name, value] of Object.entries(light)) put(root, name, value);
    unfold(all, put);
    repaint();
    return drawing(root);
  } finally {
    for (const [each, name, value, priority] of before.reverse()) each.style.setProperty(name, value, priority);
    for (const [each, left, top] of places) Object.assign(each, { scrollLeft: left, scrollTop: top });
    void root.offsetWidth; // the old colours are there before transitions are
    root.removeAttribute("data-saving");
    repaint();
  }
};

// Nothing scrolled away, nothing stuck to an edge, nothing left out because it is off the screen.
const unfold = (all, put) => {
  const found = all.map((each) => {
    const style = getComputedStyle(each);
    return {
      each,
      sticky: style.position === "sticky",
      skipped: style.contentVisibility === "auto",
      scrolls: /auto|scroll/.test(style.overflowX + style.overflowY),
      tall: each.scrollHeight > each.clientHeight + 1,
    };
  });
  for (const { each, sticky, skipped, scrolls, tall } of found) {
    if (sticky) for (const [name, value] of [["position", "relative"], ["inset", "auto"]]) put(each, name, value);
    if (skipped) put(each, "content-visibility", "visible");
    if (scrolls) put(each, "overflow", "visible");
    if (scrolls && tall) for (const [name, value] of [["max-height", "none"], ["height", "auto"]]) put(each, name, value);
  }
};

const drawing = (root) => {
  const outer = root.getBoundingClientRect();
  const sheet = { parts: [], defs: [], x: outer.left, y: outer.top, left: Infinity, top: Infinity, right: 0, bottom: 0 };
  sheet.family = getComputedStyle(root).fontFamily;
  walk(root, sheet, { angle: 0, line: null });
  if (sheet.left > sheet.right) throw new Error("nothing is drawn");
  const [x, y] = [Math.floor(sheet.left - EDGE), Math.floor(sheet.top - EDGE)];
  const [width, height] = [Math.ceil(sheet.right + EDGE) - x, Math.ceil(sheet.bottom + EDGE) - y];
  const white = tag("rect", { x, y, width, height, fill: "#ffffff" });
  const defs = sheet.defs.length ? tag("defs", {}, sheet.defs.join("")) : "";
  return { x, y, width, height, family: sheet.family, inside: defs + white + sheet.parts.join("") };
};

const boxOf = (rect, sheet) => ({ x: rect.left - sheet.x, y: rect.top - sheet.y, width: rect.width, height: rect.height });

// The sheet is as large as what is drawn on it.
const add = (sheet, box, ...parts) => {
  sheet.parts.push(...parts);
  if (!parts.length || !box.width || !box.height) return;
  sheet.left = Math.min(sheet.left, box.x);
  sheet.top = Math.min(sheet.top, box.y);
  sheet.right = Math.max(sheet.right, box.x + box.width);
  sheet.bottom = Math.max(sheet.bottom, box.y + box.height);
};

const walk = (node, sheet, from) => {
  const style = getComputedStyle(node);
  if (style.display === "none" || style.opacity === "0" || style.clipPath !== "none") return;
  const rect = node.getBoundingClientRect();
  const clipped = [style.overflowX, style.overflowY].some((each) => each === "hidden" || each === "clip");
  const spills = clipped && (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1);
  const group = { opacity: style.opacity === "1" ? null : style.opacity };
  const start = sheet.parts.length;
  if (style.visibility === "visible") {
    const rects = style.display === "inline" ? [...node.getClientRects()] : [rect];
    for (const each of rects) add(sheet, boxOf(each, sheet), ...paintedBox(style, boxOf(each, sheet), sheet));
  }
  const inner = sheet.parts.length;
  if (node.localName === "svg") add(sheet, boxOf(rect, sheet), nested(node, boxOf(rect, sheet)));
  else if (node.localName === "canvas") paintCanvas(node, style, boxOf(rect, sheet), sheet);
  else {
    const { left, top, right, bottom } = sheet;
    const here = { angle: (from.angle + turnOf(style)) % 360, line: lineOf(style) ?? (style.display.startsWith("inline-") ? null : from.line) };
    paintPseudo(node, "::before", sheet);
    for (const child of stacked(node)) {
      if (child.nodeType === Node.TEXT_NODE) style.visibility === "visible" && writeText(child, style, sheet, here);
      else if (child.nodeType === Node.ELEMENT_NODE) walk(child, sheet, here);
    }
    paintPseudo(node, "::after", sheet);
    if (spills) Object.assign(sheet, { left, top, right, bottom }); // what is cut off needs no room
  }
  if (spills) {
    const id = `clip${sheet.defs.length}`;
    sheet.defs.push(tag("clipPath", { id }, tag("rect", boxOf(rect, sheet))));
    sheet.parts.push(tag("g", { "clip-path": `url(#${id})` }, sheet.parts.splice(inner).join("")));
  }
  if (group.opacity) sheet.parts.push(tag("g", group, sheet.parts.splice(start).join("")));
};

// The children in the order in which they are painted.
const stacked = (node) => {
  const children = [...node.childNodes];
  const depth = (each) => (each.nodeType === Node.ELEMENT_NODE ? Number(getComputedStyle(each).zIndex) || 0 : 0);
  const depths = new Map(children.map((each) => [each, depth(each)]));
  return children.sort((one, other) => depths.get(one) - depths.get(other));
};

// By how many degrees an element is turned; other transforms are in its place and size already.
const turnOf = (style) => {
  const matrix = style.transform.match(/^matrix\(([^,]+), ([^,]+)/);
  return matrix ? (Math.round((Math.atan2(Number(matrix[2]), Number(matrix[1])) * 180) / Math.PI) + 360) % 360 : 0;
};

// --- boxes -----------------------------------------------------------------------------------------------------------

const SIDES = ["Top", "Right", "Bottom", "Left"];
const grown = ({ x, y, width, height }, by) => ({ x: x - by, y: y - by, width: Math.max(0, width + 2 * by), height: Math.max(0, height + 2 * by) });
const ring = (box, by, thick, colour, radius, dashes = null) =>
  tag("rect", {
    ...grown(box, by),
    fill: "none",
    ...painted("stroke", colour),
    "stroke-width": thick,
    rx: Math.max(0, radius + by) || null,
    "stroke-dasharray": dashes,
  });
const dashesOf = (kind, thick) => (kind === "dashed" ? `${3 * thick} ${2 * thick}` : kind === "dotted" ? `${thick} ${thick}` : null);

const paintedBox = (style, box, sheet) => {
  const parts = [];
  if (!box.width && !box.height) return parts;
  const corner = style.borderTopLeftRadius;
  const radius = Math.min(corner.endsWith("%") ? (size(corner) / 100) * box.width : size(corner), box.width / 2, box.height / 2);
  const rx = radius || null;
  if (isSeen(style.backgroundColor)) parts.push(tag("rect", { ...box, rx, ...painted("fill", style.backgroundColor) }));
  for (const image of outside(style.backgroundImage).reverse()) {
    const fill = gradient(image, box, sheet);
    if (fill) parts.push(tag("rect", { ...box, rx, fill }));
  }
  for (const shadow of outside(style.boxShadow)) paintShadow(shadow, box, radius, parts);
  const borders = SIDES.map((side) => ({
    thick: style[`border${side}Style`] === "none" ? 0 : size(style[`border${side}Width`]),
    colour: style[`border${side}Color`],
    kind: style[`border${side}Style`],
  }));
  const [top] = borders;
  if (borders.every((each) => JSON.stringify(each) === JSON.stringify(top))) {
    if (top.thick && isSeen(top.colour)) parts.push(ring(box, -top.thick / 2, top.thick, top.colour, radius, dashesOf(top.kind, top.thick)));
  } else {
    borders.forEach(({ thick, colour, kind }, side) => {
      if (!thick || !isSeen(colour)) return;
      const { x, y, width, height } = box;
      const middle = [y + thick / 2, x + width - thick / 2, y + height - thick / 2, x + thick / 2][side];
      const ends = side % 2 ? { x1: middle, x2: middle, y1: y, y2: y + height } : { x1: x, x2: x + width, y1: middle, y2: middle };
      parts.push(tag("line", { ...ends, ...painted("stroke", colour), "stroke-width": thick, "stroke-dasharray": dashesOf(kind, thick) }));
    });
  }
  const thick = style.outlineStyle === "none" ? 0 : size(style.outlineWidth);
  if (thick && isSeen(style.outlineColor))
    parts.push(ring(box, size(style.outlineOffset) + thick / 2, thick, style.outlineColor, radius));
  return parts;
};

// Rings, and bars at an inner side, are all the shadows there are.
const paintShadow = (shadow, box, radius, parts) => {
  const colour = shadow.match(/^[a-z]+\([^)]*\)/)?.[0];
  const [across = 0, , , spread = 0] = (shadow.match(/-?[\d.]+px/g) ?? []).map(size);
  if (!colour || !isSeen(colour)) return;
  const inset = shadow.endsWith("inset");
  if (spread) parts.push(ring(box, inset ? -spread / 2 : spread / 2, spread, colour, radius));
  else if (inset && across) {
    const width = Math.abs(across);
    parts.push(tag("rect", { ...box, x: across > 0 ? box.x : box.x + box.width - width, width, ...painted("fill", colour) }));
  }
};

// "a, b(c, d)" → ["a", "b(c, d)"]; nothing of "none".
const outside = (text) => {
  if (!text || text === "none") return [];
  const found = [""];
  let depth = 0;
  for (const each of text) {
    depth += each === "(" ? 1 : each === ")" ? -1 : 0;
    if (each === "," && !depth) found.push("");
    else found[found.length - 1] += each;
  }
  return found.map((each) => each.trim());
};

// A gradient of CSS as one of SVG: the same line through the middle of the box, the same stops.
const gradient = (image, box, sheet) => {
  const [, repeated, inside] = image.match(/^(repeating-)?linear-gradient\((.*)\)$/s) ?? [];
  if (inside === undefined) return null;
  const stops = outside(inside);
  const sides = { "to right": 90, "to left": 270, "to bottom": 180, "to top": 0 };
  let degrees = 180;
  if (stops[0] in sides || stops[0].endsWith("deg")) degrees = sides[stops[0]] ?? size(stops[0]);
  if (stops[0] in sides || stops[0].endsWith("deg")) stops.shift();
  const [dx, dy] = [Math.sin((degrees * Math.PI) / 180), -Math.cos((degrees * Math.PI) / 180)];
  const whole = Math.abs(box.width * dx) + Math.abs(box.height * dy);
  const places = stops.map((stop, index) => {
    const [place] = stop.match(/-?[\d.]+(px|%)$/) ?? [`${(100 * index) / Math.max(1, stops.length - 1)}%`];
    return place.endsWith("px") ? size(place) : (size(place) / 100) * whole;
  });
  const length = repeated ? places.at(-1) : whole;
  const [x1, y1] = [box.x + box.width / 2 - (dx * whole) / 2, box.y + box.height / 2 - (dy * whole) / 2];
  const id = `shade${sheet.defs.length}`;
  const written = stops.map((stop, index) => {
    const [colour, opacity] = paintOf(stop.replace(/-?[\d.]+(px|%)$/, ""));
    return tag("stop", { offset: (places[index] / length).toFixed(4), "stop-color": colour, "stop-opacity": opacity });
  });
  const line = { id, gradientUnits: "userSpaceOnUse", x1, y1, x2: x1 + dx * length, y2: y1 + dy * length };
  sheet.defs.push(tag("linearGradient", { ...line, spreadMethod: repeated ? "repeat" : null }, written.join("")));
  return `url(#${id})`;
};

// Lines that are drawn before or after what an element holds, where they stand apart from its text.
const paintPseudo = (node, which, sheet) => {
  const style = getComputedStyle(node, which);
  if (style.content === "none" || style.content === "normal" || style.position !== "absolute") return;
  const holder = getComputedStyle(node).position === "static" ? node.offsetParent : node;
  if (!holder) return;
  const outer = holder.getBoundingClientRect();
  const own = style.boxSizing === "border-box" ? 0 : 1;
  const borders = SIDES.map((side) => own * size(style[`border${side}Width`]));
  const left = outer.left + holder.clientLeft + size(style.left);
  const top = outer.top + holder.clientTop + size(style.top);
  const width = size(style.width) + borders[1] + borders[3];
  const height = size(style.height) + borders[0] + borders[2];
  const box = { x: left - sheet.x, y: top - sheet.y, width, height };
  add(sheet, box, ...paintedBox(style, box, sheet));
};

// --- pictures in a figure --------------------------------------------------------------------------------------------

const paintCanvas = (canvas, style, box, sheet) => {
  if (!canvas.width || !canvas.height || !box.width || style.visibility !== "visible") return;
  let shown = canvas;
  if (style.imageRendering === "pixelated") {
    const [across, down] = [box.width / canvas.width, box.height / canvas.height].map((each) => Math.min(64, Math.max(1, Math.ceil(2 * each))));
    shown = element("canvas"); // large enough that no viewer blurs its cells
    [shown.width, shown.height] = [canvas.width * across, canvas.height * down];
    const context = shown.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, shown.width, shown.height);
  }
  add(sheet, box, tag("image", { ...box, href: shown.toDataURL("image/png"), preserveAspectRatio: "none" }));
};

const LOOKS = ["fill", "stroke", "fill-opacity", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "visibility", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "paint-order", "dominant-baseline"];
const GONE = ["class", "style", "tabindex", "role", "id"];

// A drawing inside the figure, with the looks that its style sheet gave it.
const nested = (svg, box) => {
  const copy = svg.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [svg, ...svg.querySelectorAll("*")].forEach((each, index) => {
    const made = copies[index];
    const style = getComputedStyle(each);
    if (style.display === "none") made.setAttribute("display", "none");
    for (const name of LOOKS) {
      const value = style.getPropertyValue(name);
      const colour = (name === "fill" || name === "stroke") && /^(rgb|color)/.test(value);
      if (colour) for (const [key, part] of Object.entries(painted(name, value))) part !== null && made.setAttribute(key, part);
      else if (value && !(name.endsWith("-opacity") && made.hasAttribute(name))) made.setAttribute(name, value);
    }
    if (each !== svg && style.transform.startsWith("matrix(")) made.setAttribute("transform", style.transform);
    for (const { name } of [...made.attributes])
      if (/^(on|aria-|data-)/.test(name) || (GONE.includes(name) && !(name === "id" && each.localName === "marker"))) made.removeAttribute(name);
  });
  copy.querySelectorAll("script, foreignObject, style").forEach((each) => each.remove());
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${round(box.width)} ${round(box.height)}`);
  for (const [name, value] of Object.entries(box)) copy.setAttribute(name, String(round(value)));
  copy.setAttribute("overflow", "visible");
  return new XMLSerializer().serializeToString(copy).replace(UNWRITABLE, "\ufffd");
};

// --- text ------------------------------------------------------------------------------------------------------------

const pen = element("canvas").getContext("2d");
const baselines = new Map();

// How far the base line lies beneath the middle of a line of this font.
const baselineOf = (font) => {
  if (!baselines.has(font)) {
    pen.font = font;
    const { fontBoundingBoxAscent: up, fontBoundingBoxDescent: down } = pen.measureText("x");
    baselines.set(font, (up - down) / 2);
  }
  return baselines.get(font);
};

const lineOf = (style) => {
  if (style.textDecorationLine === "none") return null;
  const thick = size(style.textDecorationThickness) || Math.max(1, size(style.fontSize) / 14);
  const offset = style.textUnderlineOffset === "auto" ? null : size(style.textUnderlineOffset);
  return { where: style.textDecorationLine, colour: style.textDecorationColor, kind: style.textDecorationStyle, thick, offset };
};

// A text node as [text, rectangle] for each line on the page.
const linesOf = (node, keeps) => {
  const text = node.data;
  const range = document.createRange();
  const rectOf = (start, end) => {
    range.setStart(node, start);
    range.setEnd(node, end);
    return [...range.getClientRects()].filter((each) => each.width || each.height);
  };
  const first = keeps ? 0 : text.search(/\S/);
  const end = keeps ? text.length : text.trimEnd().length;
  if (first < 0 || end <= first) return [];
  const whole = rectOf(first, end);
  if (whole.length === 1) return [[text.slice(first, end), whole[0]]];
  const lines = [];
  for (let start = first; start < end; ) {
    const next = start + (text.codePointAt(start) > 0xffff ? 2 : 1);
    const rect = rectOf(start, next).at(-1);
    const each = text.slice(start, next);
    start = next;
    if (!rect || (!rect.width && !/\S/.test(each)) || each === "\n" || each === "\r") continue;
    const line = lines.at(-1);
    if (line && Math.abs(line.top - rect.top) < rect.height / 2) {
      line.text += each;
      line.left = Math.min(line.left, rect.left);
      line.right = Math.max(line.right, rect.right);
    } else lines.push({ text: each, left: rect.left, right: rect.right, top: rect.top, height: rect.height });
  }
  return lines.map(({ text: held, left, right, top, height }) => [held, new DOMRect(left, top, right - left, height)]);
};

const writeText = (node, style, sheet, { angle, line }) => {
  const keeps = /pre|break-spaces/.test(style.whiteSpaceCollapse ?? style.whiteSpace);
  if (!keeps && !/\S/.test(node.data)) return;
  const turned = (angle + (style.writingMode.startsWith("vertical") ? 90 : 0)) % 360;
  const font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  for (const [text, rect] of linesOf(node, keeps)) {
    const box = boxOf(rect, sheet);
    const length = turned % 180 ? box.height : box.width;
    if (!length || !/\S/.test(text)) continue;
    const written = keeps ? text.replace(/[\t\n\r]/g, " ") : text.replace(/\s+/g, " ");
    const right = style.direction === "rtl";
    const base = baselineOf(font);
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const place = turned ? { transform: `translate(${round(x)} ${round(y)}) rotate(${turned})`, x: right ? length / 2 : -length / 2, y: base } : { x: right ? x + length / 2 : x - length / 2, y: y + base };
    const attributes = {
      ...place,
      ...painted("fill", style.color),
      "font-family": style.fontFamily === sheet.family ? null : style.fontFamily,
      "font-size": size(style.fontSize),
      "font-weight": style.fontWeight === "400" ? null : style.fontWeight,
      "font-style": style.fontStyle === "normal" ? null : style.fontStyle,
      direction: right ? "rtl" : null,
      textLength: [...written].length > 1 ? length : null, // the same width in whatever font a viewer has
      lengthAdjust: [...written].length > 1 ? "spacingAndGlyphs" : null,
      "xml:space": "preserve",
    };
    add(sheet, box, tag("text", attributes, escaped(written)));
    if (line && !turned) underline(line, box, y + base, size(style.fontSize), sheet);
  }
};

const underline = ({ where, colour, kind, thick, offset }, box, base, letters, sheet) => {
  const y = where.includes("line-through") ? base - 0.3 * letters : base + (offset ?? 0.1 * letters) + thick / 2;
  const ends = { x1: box.x, x2: box.x + box.width, y1: y, y2: y };
  sheet.parts.push(tag("line", { ...ends, ...painted("stroke", colour), "stroke-width": thick, "stroke-dasharray": dashesOf(kind, thick) }));
};

// --- files -----------------------------------------------------------------------------------------------------------

const svgOf = ({ x, y, width, height, family, inside }, { title, summary }, extra = "") =>
  tag(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `${x} ${y} ${width} ${height}`, role: "img", "font-family": family },
    tag("title", {}, escaped(title)) + tag("desc", {}, escaped(summary)) + extra + inside,
  );

// The faces that Streamlit serves, inside the drawing: an image may not fetch them.
const faces = async (family) => {
  const found = [];
  for (const sheet of document.styleSheets) {
    let rules = [];
    try {
      rules = [...sheet.cssRules];
    } catch {
      continue; // of another origin
    }
    for (const rule of rules) {
      if (!(rule instanceof CSSFontFaceRule)) continue;
      const name = rule.style.getPropertyValue("font-family").replace(/["']/g, "");
      const url = rule.style.getPropertyValue("src").match(/url\(["']?([^"')]+)/)?.[1];
      if (!url || !family.includes(name) || rule.style.getPropertyValue("font-style") === "italic") continue;
      const answer = await fetch(new URL(url, sheet.href ?? document.baseURI));
      if (!answer.ok) continue;
      const bytes = new Uint8Array(await answer.arrayBuffer());
      let binary = "";
      for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
      found.push(`@font-face{font-family:"${name}";font-weight:200 900;src:url(data:font/woff2;base64,${btoa(binary)})}`);
    }
  }
  return found.join("");
};

const loaded = (url) =>
  new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("the drawing is no image"));
    image.src = url;
  });

const pictureOf = async (drawn, figure) => {
  const style = tag("style", {}, await faces(`${drawn.family} ${drawn.inside.match(/font-family="[^"]*"/g)?.join(" ") ?? ""}`).catch(() => ""));
  const url = URL.createObjectURL(new Blob([svgOf(drawn, figure, style)], { type: "image/svg+xml" }));
  try {
    const image = await loaded(url);
    const scale = Math.min(2, LARGEST / Math.max(drawn.width, drawn.height));
    const canvas = element("canvas");
    [canvas.width, canvas.height] = [Math.round(drawn.width * scale), Math.round(drawn.height * scale)];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("the picture is too large");
    return blob;
  } finally {
    URL.revokeObjectURL(url);
  }
};

const LOOK = "body{margin:1.5rem auto;max-width:75rem;padding:0 1rem;color:#0f1720;background:#fff;font:16px/1.5 Helvetica,Arial,sans-serif}"
  + "figure{margin:0}figure,.numbers{overflow-x:auto}table{border-collapse:collapse;font-size:0.85rem}"
  + "td,th{border:1px solid #c3ccd5;padding:0.15rem 0.5rem;text-align:left;white-space:pre-wrap}";

// A page of the figure, its sentence and its numbers, which loads nothing and runs nothing.
const pageOf = (drawn, figure) => {
  const rows = figure.table?.() ?? [];
  const listed = rows.length > 1 && rows.length * rows[0].length <= MOST_CELLS;
  const line = (cells, kind) => tag("tr", {}, cells.map((each) => tag(kind, {}, escaped(written(each)))).join(""));
  const lines = rows.slice(1).map((each) => line(each, "td"));
  const numbers = listed ? tag("table", {}, tag("thead", {}, line(rows[0], "th")) + tag("tbody", {}, lines.join(""))) : "";
  return (
    `<!doctype html>\n<html lang="${escaped(language)}"><head><meta charset="utf-8">` +
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(figure.title)}</title>` +
    `<style>${LOOK}</style></head><body><h1>${escaped(figure.title)}</h1><figure>${svgOf(drawn, figure)}</figure>` +
    `<p>${escaped(figure.summary)}</p><div class="numbers">${numbers}</div></body></html>\n`
  );
};

// A number as Python writes it, with as many digits as its own precision needs.
const written = (value) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Number.isInteger(value) || Math.fround(value) !== value) return String(value);
  for (let digits = 6; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return String(shorter);
  }
  return String(value);
};

// As engine/spreadsheets.py: text that a spreadsheet would run gets an apostrophe; numbers stay numbers.
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const QUOTED = /[",\r\n]/;
const cell = (value) => {
  const text = (typeof value === "string" && FORMULA.test(value) ? "'" : "") + written(value);
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csvOf = (rows) => rows.map((row) => `${row.map(cell).join(",")}\n`).join("");

const KINDS = {
  png: ["image/png", (figure) => pictureOf(captured(figure), figure)],
  svg: ["image/svg+xml", (figure) => `<?xml version="1.0" encoding="UTF-8"?>\n${svgOf(captured(figure), figure)}\n`],
  html: ["text/html", (figure) => pageOf(captured(figure), figure)],
  csv: ["text/csv", (figure) => csvOf(figure.table())],
};

const save = async (figure, ending, told) => {
  const [type, make] = KINDS[ending];
  told.textContent = "";
  try {
    const blob = new Blob([await make(figure)], { type });
    const link = element("a");
    const url = URL.createObjectURL(blob);
    link.href = url;
    const name = figure.title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, 60).replace(/-$/, "");
    link.download = `${name || "figure"}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  } catch (error) {
    console.warn(error);
    told.textContent = say("This figure could not be drawn as a file. Save its data as CSV instead.");
  }
};

// --- the menu --------------------------------------------------------------------------------------------------------

const close = (figure) => {
  figure.bar.querySelector(".save-list")?.remove();
  figure.opener.setAttribute("aria-expanded", "false");
};

const open = (figure) => {
  const list = element("div", "save-list");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", say("This figure as a file: picture, page or table."));
  const told = element("span", "save-told");
  told.setAttribute("role", "status");
  const labels = { png: say("Picture (PNG)"), svg: say("Drawing (SVG)"), html: say("Page (HTML)"), csv: say("Data (CSV)") };
  for (const [ending, label] of Object.entries(labels)) {
    if (ending === "csv" && !figure.table) continue;
    const button = element("button", "save-kind", label);
    button.type = "button";
    button.addEventListener("click", () => save(figure, ending, told));
    list.append(button);
  }
  list.append(told);
  figure.bar.append(list);
  figure.opener.setAttribute("aria-expanded", "true");
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  light = data.light;
  globalThis[Symbol.for("llm_lessons.saver")] = (figure) =>
    figure.opener.getAttribute("aria-expanded") === "true" ? close(figure) : open(figure);
}
