// Rows of [text, flags, meaning?] become marks and spans; the strip above is a slider over the pages of the text.
const HIT = 1, CURRENT = 2, CHANGED = 4, SIGN = 8, VALIDATION = 16, BOUNDARY = 32, HEADING = 64;

const draw = ([text, flags, meaning]) => {
  if (flags & BOUNDARY) return element("div", "boundary", text);
  if (flags & HEADING) return element("div", "heading", text);
  let made;
  if (flags & SIGN) {
    made = element("span", "sign", text);
    made.title = meaning;
  } else if (flags & (HIT | CHANGED)) {
    made = document.createDocumentFragment();
    made.append(text);
  } else {
    return document.createTextNode(text);
  }
  if (flags & HIT) {
    const mark = element("mark", flags & CURRENT ? "hit current" : "hit");
    if (flags & CURRENT) mark.setAttribute("aria-current", "true");
    mark.append(made);
    return mark;
  }
  if (flags & CHANGED) {
    const strong = element("strong", "changed");
    strong.append(made);
    return strong;
  }
  return made;
};

const fill = (text, rows) => {
  const fresh = document.createDocumentFragment();
  let aside = null;
  for (const row of rows) {
    if (row[1] & VALIDATION) {
      if (!aside) {
        aside = element("div", "aside");
        fresh.append(aside);
      }
      aside.append(draw(row));
    } else {
      aside = null;
      fresh.append(draw(row));
    }
  }
  text.replaceChildren(fresh);
};

const build = (parentElement) => {
  const root = element("div", "root");
  const strip = element("div", "strip unsaved");
  const track = element("div", "track");
  track.tabIndex = 0;
  track.setAttribute("role", "slider");
  track.setAttribute("aria-label", say("Where in the text you are reading"));
  track.setAttribute("aria-valuemin", "1");
  const left = element("span", "name quiet");
  const right = element("span", "name right quiet");
  strip.append(left, right, track);
  const box = element("div", "box");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  const text = element("div", "text");
  text.dir = "auto";
  box.append(text);
  root.append(strip, box);
  parentElement.append(root);
  const state = { root, strip, track, left, right, box, text, seen: "", page: 0, pages: 0, send: null };

  const ask = (page) => {
    const wanted = Math.max(0, Math.min(state.pages - 1, page));
    if (wanted !== state.page) state.send("clicked", wanted);
  };
  track.addEventListener("click", (event) => {
    const outer = track.getBoundingClientRect();
    ask(Math.floor(((event.clientX - outer.left) / outer.width) * state.pages));
  });
  track.addEventListener("keydown", (event) => {
    const target = {
      ArrowRight: state.page + 1,
      ArrowUp: state.page + 1,
      ArrowLeft: state.page - 1,
      ArrowDown: state.page - 1,
      PageUp: state.page + 10,
      PageDown: state.page - 10,
      Home: 0,
      End: state.pages - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    ask(target);
  });
  return state;
};

const drawStrip = (state, overview) => {
  state.strip.hidden = !overview;
  if (!overview) return;
  state.page = overview.page;
  state.pages = overview.pages;
  const fresh = document.createDocumentFragment();
  const { boundary } = overview;
  if (boundary !== null) {
    const aside = element("div", "kept-aside");
    aside.style.width = `${100 * (1 - boundary)}%`;
    fresh.append(aside);
  }
  for (const hit of overview.hits) {
    const tick = element("div", "tick");
    tick.style.left = `${100 * hit}%`;
    fresh.append(tick);
  }
  const here = element("div", "here");
  here.style.left = `min(${(100 * overview.page) / overview.pages}%, calc(100% - 7px))`;
  here.style.width = `${100 / overview.pages}%`;
  fresh.append(here);
  state.track.replaceChildren(fresh);
  state.left.textContent = boundary === null ? say("The text") : say("Training");
  state.right.textContent = boundary === null ? "" : say("Validation");
  state.track.setAttribute("aria-valuemax", String(overview.pages));
  state.track.setAttribute("aria-valuenow", String(overview.page + 1));
  const values = { page: String(overview.page + 1), pages: String(overview.pages) };
  state.track.setAttribute("aria-valuetext", say("page {page} of {pages}", values));
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.box.setAttribute("aria-label", data.label);
  state.box.style.maxHeight = `${data.height}px`;
  drawStrip(state, data.overview);
  savable(state.root, data.label, "", () => [["text", "marks"], ...data.rows.map(([text, flags]) => [text, flags])]);
  // The text is drawn anew only where it changed: the reader's place in it stays.
  const seen = JSON.stringify(data.rows);
  if (seen === state.seen) return;
  state.seen = seen;
  fill(state.text, data.rows);
  const target = state.text.querySelector(".current") ?? state.text.querySelector(".boundary");
  state.box.scrollTop = 0;
  if (target) {
    const offset = target.getBoundingClientRect().top - state.box.getBoundingClientRect().top;
    state.box.scrollTop = Math.max(0, offset - data.height / 3);
  }
}
