// Everything that follows from the chosen window is drawn here, so that choosing costs no trip to the server.
const times = (n) => (n === 1 ? say("once") : n === 2 ? say("twice") : say("{n} times", { n: String(n) }));

const chip = (text, id) => {
  const made = element("span", "chip", visible(text));
  made.title = `${quoted(visible(text))} · id ${id}`;
  tint(made, id);
  return made;
};

const heading = (title, note) => {
  const head = element("div", "head");
  head.append(element("span", "head-title", title), element("span", "head-note quiet", note));
  return head;
};

const build = (parentElement, state) => {
  const root = element("div", "root");
  state.root = root;
  state.text = element("div", "text");
  state.text.tabIndex = 0;
  state.text.setAttribute("role", "group");
  state.stairs = element("div", "stairs");
  state.stairs.setAttribute("role", "group");
  state.heats = [element("div", "heat"), element("div", "heat")];
  state.readout = element("div", "readout quiet");
  state.readout.setAttribute("aria-live", "polite");
  state.note = element("span", "head-note quiet");

  const range = element("input", "unsaved");
  range.type = "range";
  range.min = "0";
  range.setAttribute("aria-label", say("Window"));
  state.range = range;
  state.back = element("button", "step unsaved", "‹");
  state.back.type = "button";
  state.back.setAttribute("aria-label", say("Window before"));
  state.next = element("button", "step unsaved", "›");
  state.next.type = "button";
  state.next.setAttribute("aria-label", say("Window after"));
  state.name = element("span");
  state.name.setAttribute("aria-live", "polite");
  const chooser = element("div", "chooser");
  chooser.append(state.back, range, state.next, state.name);

  state.pairs = element("div", "pairs");
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "group");
  scroll.setAttribute("aria-label", say("The window: each input with its target beneath"));
  scroll.append(state.pairs);
  state.tasks = element("div", "tasks");
  state.tasks.tabIndex = 0;
  state.tasks.setAttribute("role", "group");
  state.tasks.setAttribute("aria-label", say("The predictions that the window holds"));

  const textBlock = element("div", "block");
  textBlock.append(heading(say("The text"), say("Framed: the chosen window; dashed: its last target.")), state.text);
  const plotBlock = element("div", "block");
  const plotHead = element("div", "head");
  plotHead.append(element("span", "head-title", say("Where the windows lie")), state.note);
  const plot = element("div", "plot");
  const label = (text) => element("span", "plot-label quiet", text);
  plot.append(
    label(say("windows")),
    state.stairs,
    label(say("seen as input")),
    state.heats[0],
    label(say("seen as target")),
    state.heats[1],
  );
  plotBlock.append(plotHead, plot, state.readout);
  const pairsBlock = element("div", "block");
  pairsBlock.append(
    heading(say("The chosen window"), say("The target row is the input row, one token later.")),
    chooser,
    scroll,
  );
  const tasksBlock = element("div", "block");
  state.tasksHead = element("div", "head");
  tasksBlock.append(state.tasksHead, state.tasks);
  root.append(textBlock, plotBlock, pairsBlock, tasksBlock);
  state.blocks = [pairsBlock, tasksBlock];
  parentElement.append(root);

  const choose = (index) => {
    const last = state.data.starts.length - 1;
    state.chosen = Math.max(0, Math.min(index, last));
    paint(state);
  };
  range.addEventListener("input", () => choose(Number(range.value)));
  state.back.addEventListener("click", () => choose(state.chosen - 1));
  state.next.addEventListener("click", () => choose(state.chosen + 1));
  state.stairs.addEventListener("click", (event) => {
    const bar = event.target.closest?.(".bar");
    if (bar) choose(Number(bar.dataset.index));
  });
  state.stairs.addEventListener("keydown", (event) => {
    const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    choose(state.chosen + move);
    state.stairs.children[state.chosen]?.focus();
  });
  const tell = (index) => {
    const [text, id] = state.data.tokens[index];
    const [inputs, targets] = state.data.seen.map((counts) => counts[index]);
    state.readout.textContent = say("Token {place}, “{token}”, id {id}: {inputs} an input, {targets} a target.", {
      place: String(index + 1),
      token: visible(text),
      id: String(id),
      inputs: times(inputs),
      targets: times(targets),
    });
    for (const heat of state.heats) {
      heat.querySelector(".mark")?.classList.remove("mark");
      heat.children[index]?.classList.add("mark");
    }
  };
  const indexOf = (event) => event.target.closest?.("[data-token]")?.dataset.token;
  for (const area of [state.text, ...state.heats]) {
    area.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index !== undefined) tell(Number(index));
    });
  }
  state.cursor = 0;
  state.heats.forEach((heat) => {
    heat.tabIndex = 0;
    heat.setAttribute("role", "group");
    heat.addEventListener("focus", () => tell(Math.min(state.cursor, state.data.tokens.length - 1)));
    heat.addEventListener("keydown", (event) => {
      const last = state.data.tokens.length - 1;
      const target = {
        ArrowRight: Math.min(state.cursor + 1, last),
        ArrowLeft: Math.max(state.cursor - 1, 0),
        Home: 0,
        End: last,
      }[event.key];
      if (target === undefined) return;
      event.preventDefault();
      state.cursor = target;
      tell(target);
    });
  });
};

const range = (numbers) => {
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  return low === high ? `${high}` : say("{low} to {high}", { low: String(low), high: String(high) });
};

const layOut = (state) => {
  const { tokens, starts, inputs, seen, more } = state.data;
  const n = tokens.length;
  state.text.replaceChildren(
    ...tokens.map(([text, id], index) => {
      const made = chip(text, id);
      made.dataset.token = String(index);
      return made;
    }),
  );
  state.text.setAttribute("aria-label", say("The excerpt, {n} tokens", { n: String(n) }));
  const height = starts.length > 30 ? 5 : starts.length > 14 ? 8 : 12;
  state.stairs.style.height = `${Math.max(1, starts.length) * (height + 2)}px`;
  state.stairs.replaceChildren(
    ...starts.map((start, index) => {
      const bar = element("button", "bar");
      bar.type = "button";
      bar.tabIndex = -1;
      bar.dataset.index = String(index);
      bar.style.left = `${(100 * start) / n}%`;
      bar.style.width = `${(100 * inputs[index].length) / n}%`;
      bar.style.top = `${index * (height + 2)}px`;
      bar.style.height = `${height}px`;
      const label = say("Window {n}: tokens {from} to {to}", {
        n: String(index + 1),
        from: String(start + 1),
        to: String(start + inputs[index].length),
      });
      bar.title = label;
      bar.setAttribute("aria-label", label);
      return bar;
    }),
  );
  state.stairs.setAttribute("aria-label", say("Windows, one bar each"));
  state.note.textContent = more
    ? say("One bar a window, token by token; the first {n} of {total}.", {
        n: String(starts.length),
        total: String(starts.length + more),
      })
    : say("One bar a window, from the first token on the left to the last on the right.");
  const most = Math.max(1, ...seen[0], ...seen[1]);
  const numbered = n <= 90 && most < 100;
  state.heats.forEach((heat, kind) => {
    heat.replaceChildren(
      ...seen[kind].map((count, index) => {
        const cell = element("span", "heat-cell");
        cell.dataset.token = String(index);
        const fill = element("span", "heat-fill");
        fill.style.height = `${(100 * count) / most}%`;
        fill.style.setProperty("--share", `${15 + (40 * count) / most}%`); // pale enough for the number upon it
        cell.append(fill);
        if (numbered) cell.append(element("span", "heat-number", String(count)));
        return cell;
      }),
    );
    const counts = { n: range(seen[kind]) };
    heat.setAttribute(
      "aria-label",
      kind
        ? say("How often each token is a target: {n} times. Arrow keys read it.", counts)
        : say("How often each token is an input: {n} times. Arrow keys read it.", counts),
    );
  });
  state.readout.textContent = say("Point at a token, or use the arrow keys on a strip, to read its counts.");
  state.range.max = String(Math.max(0, starts.length - 1));
  for (const block of state.blocks) block.hidden = starts.length === 0;
};

const paint = (state) => {
  const { tokens, starts, inputs, targets } = state.data;
  if (!starts.length) return;
  const index = state.chosen;
  const start = starts[index];
  const length = inputs[index].length;
  const textOf = new Map(tokens.map(([text, id]) => [id, text]));
  [...state.text.children].forEach((each, place) => {
    each.classList.toggle("in", place >= start && place < start + length);
    each.classList.toggle("last", place === start + length);
  });
  [...state.stairs.children].forEach((bar, place) => {
    bar.classList.toggle("chosen", place === index);
    bar.tabIndex = place === index ? 0 : -1;
    if (place === index) bar.setAttribute("aria-current", "true");
    else bar.removeAttribute("aria-current");
  });
  state.range.value = String(index);
  state.back.disabled = index === 0;
  state.next.disabled = index === starts.length - 1;
  state.name.textContent = say("Window {n} of {total}, from token {from}", {
    n: String(index + 1),
    total: String(starts.length),
    from: String(start + 1),
  });
  state.range.setAttribute("aria-valuetext", state.name.textContent);

  const cells = [
    element("span", "side quiet", ""),
    element("span", "side", say("input x")),
    element("span", "side quiet", say("predict")),
    element("span", "side", say("target y")),
  ];
  inputs[index].forEach((id, place) => {
    const arrow = element("span", "arrow", "↓");
    arrow.setAttribute("aria-hidden", "true");
    cells.push(
      element("span", "place quiet", String(place)),
      chip(textOf.get(id), id),
      arrow,
      chip(textOf.get(targets[index][place]), targets[index][place]),
    );
  });
  state.pairs.replaceChildren(...cells);

  state.tasksHead.replaceChildren(
    element(
      "span",
      "head-title",
      length === 1
        ? say("One prediction in this window")
        : say("{n} predictions in this one window", { n: String(length) }),
    ),
    element("span", "head-note quiet", say("Each position sees what stands before it, no more.")),
  );
  const shown = 14;
  state.tasks.replaceChildren(
    ...inputs[index].map((_, place) => {
      const row = element("div", "task");
      const given = element("span", "task-given");
      const from = Math.max(0, place + 1 - shown);
      if (from > 0) given.append(element("span", "quiet", say("{n} before …", { n: String(from) })));
      for (let each = from; each <= place; each += 1) given.append(chip(textOf.get(inputs[index][each]), inputs[index][each]));
      const target = element("span", "");
      target.append(chip(textOf.get(targets[index][place]), targets[index][place]));
      row.append(element("span", "task-number quiet", String(place + 1)), given, element("span", "arrow", "→"), target);
      return row;
    }),
  );
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  let state = states.get(parentElement);
  if (!state || !state.root.isConnected) {
    state = { chosen: 0 };
    build(parentElement, state);
    states.set(parentElement, state);
  }
  state.data = data;
  state.chosen = Math.max(0, Math.min(state.chosen, data.starts.length - 1));
  layOut(state);
  paint(state);
  savable(state.root, say("Where the windows lie"), state.note.textContent, () => [
    ["place", "token", "id", "seen as input", "seen as target"],
    ...data.tokens.map(([text, id], index) => [index + 1, text, id, data.seen[0][index], data.seen[1][index]]),
  ]);
}
