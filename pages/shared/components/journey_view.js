// Eight figures along one line. Every figure is built once and then changed in place: bars glide to their new length
// when the model behind them has learned, and nothing blinks.
const percent = (p) => {
  if (p > 0 && p < 0.001) return decimal("< 0.1 %");
  return decimal(`${(100 * p).toFixed(1)} %`);
};
const signed = (value) => (value < 0 ? "−" : "") + decimal(Math.abs(value).toFixed(2));
const exact = (value) => (value < 0 ? "−" : "") + (value === 0 ? "0" : decimal(Math.abs(value).toPrecision(3)));

// Exactly n children, made by `make`, kept from one drawing to the next; `fill` writes each.
const fit = (parent, n, make, fill) => {
  while (parent.children.length > n) parent.lastElementChild.remove();
  while (parent.children.length < n) parent.append(make(parent.children.length));
  for (let index = 0; index < n; index += 1) fill(parent.children[index], index);
};

const write = (target, text) => {
  if (target.textContent !== text) target.textContent = text;
};

const chip = () => element("bdi", "chip");
const fillChip = (made, [id, text]) => {
  write(made, visible(text));
  tint(made, id);
};

const button = (className) => {
  const made = element("button", className);
  made.type = "button";
  return made;
};

// One tab stop for a group of buttons; arrow keys move inside, `columns()` says how far up and down is.
const roving = (group, columns = () => 1) => {
  const buttons = () => [...group.querySelectorAll("button")];
  const stop = (chosen) => buttons().forEach((each) => (each.tabIndex = each === chosen ? 0 : -1));
  group.addEventListener("focusin", (event) => stop(event.target.closest("button")));
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const here = all.indexOf(event.target.closest("button"));
    const target = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + columns(),
      ArrowUp: here - columns(),
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (here < 0 || target === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(target, all.length - 1))].focus();
  });
  return (chosen) => {
    const all = buttons();
    if (!all.some((each) => each === group.getRootNode().activeElement)) stop(all[chosen] ?? all[0]);
  };
};

// --- strips of numbers: one row of a matrix on a canvas each ----------------------------------------------------

const numbersOf = ({ values }) => new Float32Array(Uint8Array.from(atob(values), (each) => each.charCodeAt(0)).buffer);

const paintStrips = (state) => {
  if (!state.root.isConnected) return;
  const [low, middle, high] = ["--st-blue-color", "--st-background-color", "--st-orange-color"].map((name) =>
    rgb(state.root, name),
  );
  for (const strips of state.strips) {
    const { columns, scale } = strips.matrix;
    strips.canvases.forEach((canvas, row) => {
      canvas.width = columns;
      canvas.height = 1;
      const context = canvas.getContext("2d");
      const image = context.createImageData(columns, 1);
      for (let column = 0; column < columns; column += 1) {
        const value = strips.numbers[row * columns + column];
        const end = value < 0 ? low : high;
        // The square root lets small numbers be seen beside a large one.
        const share = Math.sqrt(Math.min(1, Math.abs(value) / scale));
        for (let channel = 0; channel < 3; channel += 1)
          image.data[4 * column + channel] = middle[channel] + share * (end[channel] - middle[channel]);
        image.data[4 * column + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    });
  }
};

// A group of canvases under one tab stop whose numbers are read one by one, by pointing or with the arrow keys.
const stripGroup = (state, body, foot) => {
  const strips = { matrix: { columns: 1, rows: 0 }, numbers: [], canvases: [], names: [], at: [0, 0], touched: false };
  body.tabIndex = 0;
  body.setAttribute("role", "group");
  const readout = element("span", "readout");
  readout.setAttribute("aria-live", "polite");
  const scale = element("span", "scale quiet");
  const low = element("span");
  const high = element("span");
  scale.append(low, element("span", "ramp"), high);
  foot.append(readout, scale);
  const read = (row, column) => {
    const { rows, columns } = strips.matrix;
    if (!rows) return;
    row = Math.max(0, Math.min(row, rows - 1));
    column = Math.max(0, Math.min(column, columns - 1));
    strips.at = [row, column];
    strips.touched = true;
    readout.textContent = say("{row}, dimension {column}: {value}", {
      row: strips.names[row],
      column: String(column),
      value: exact(strips.numbers[row * columns + column]),
    });
    strips.canvases.forEach((canvas, index) => canvas.parentElement.classList.toggle("read", index === row));
    body.style.setProperty("--at", `${(100 * (column + 0.5)) / columns}%`);
  };
  body.addEventListener("pointermove", (event) => {
    const row = strips.canvases.indexOf(event.target);
    if (row < 0) return;
    const box = event.target.getBoundingClientRect();
    read(row, Math.floor(((event.clientX - box.left) / box.width) * strips.matrix.columns));
  });
  body.addEventListener("focus", () => read(...strips.at));
  body.addEventListener("keydown", (event) => {
    const [row, column] = strips.at;
    const target = {
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      Home: [row, 0],
      End: [row, strips.matrix.columns - 1],
    }[event.key];
    if (!target || event.target !== body) return;
    event.preventDefault();
    read(...target);
  });
  state.strips.push(strips);
  return (matrix, names, canvases) => {
    Object.assign(strips, { matrix, names, canvases, numbers: numbersOf(matrix) });
    write(low, exact(-matrix.scale));
    write(high, exact(matrix.scale));
    if (strips.touched) read(...strips.at);
    else write(readout, say("Point at a strip, or use the arrow keys, to read its numbers."));
  };
};

const stripCell = () => {
  const cell = element("span", "strip");
  cell.append(element("canvas"));
  return cell;
};

// --- the figures: each is built once and returns what changes it -------------------------------------------------

const figures = {
  bytes(state, box) {
    const list = element("div", "characters");
    list.setAttribute("role", "list");
    box.append(list);
    return ({ characters }) =>
      fit(
        list,
        characters.length,
        () => {
          const made = element("span", "character");
          made.setAttribute("role", "listitem");
          made.append(element("bdi", "glyph"), element("span", "hex"));
          return made;
        },
        (made, index) => {
          const [shown, hex] = characters[index];
          write(made.children[0], shown);
          write(made.children[1], hex);
          made.classList.toggle("wide", hex.length > 2);
        },
      );
  },

  merges(state, box) {
    const words = element("div", "words");
    words.setAttribute("role", "group");
    words.setAttribute("aria-label", say("Word to look into"));
    const moveStop = roving(words);
    words.addEventListener("click", (event) => {
      const chosen = event.target.closest("button");
      if (chosen) state.send("clicked", ["word", Number(chosen.dataset.index)]);
    });
    const rows = element("ol", "rows");
    box.append(words, rows);
    return (data) => {
      fit(
        words,
        data.words.length,
        () => {
          const made = button("word");
          made.append(element("bdi"));
          return made;
        },
        (made, index) => {
          write(made.firstChild, visible(data.words[index]));
          made.dataset.index = String(index);
          made.setAttribute("aria-pressed", String(index === data.word));
        },
      );
      moveStop(data.word);
      fit(
        rows,
        data.rows.length,
        () => {
          const made = element("li", "row");
          made.append(element("span", "name quiet"), element("span", "pieces"));
          return made;
        },
        (made, index) => {
          const row = data.rows[index];
          write(made.children[0], row.name);
          fit(made.children[1], row.tokens.length, chip, (each, place) => {
            fillChip(each, row.tokens[place]);
            each.classList.toggle("made", row.made.includes(place));
          });
        },
      );
    };
  },

  ids(state, box) {
    const list = element("div", "tokens");
    list.setAttribute("role", "list");
    box.append(list);
    return ({ tokens }) =>
      fit(
        list,
        tokens.length,
        () => {
          const made = element("span", "token");
          made.setAttribute("role", "listitem");
          made.append(element("bdi", "text"), element("span", "id"));
          return made;
        },
        (made, index) => {
          const [id, text] = tokens[index];
          write(made.children[0], visible(text));
          write(made.children[1], grouped(id));
          tint(made, id);
        },
      );
  },

  vectors(state, box) {
    const body = element("div", "strips");
    const foot = element("div", "foot");
    box.append(body, foot);
    const update = stripGroup(state, body, foot);
    return (data) => {
      body.setAttribute("aria-label", say("{label} Arrow keys read the numbers.", { label: `${data.label}.` }));
      fit(
        body,
        data.rows.length,
        () => {
          const made = element("div", "line");
          made.append(element("span", "sign"), chip(), stripCell());
          return made;
        },
        (made, index) => {
          const [id, text, sign] = data.rows[index];
          write(made.children[0], sign);
          if (id === null) {
            write(made.children[1], text);
            made.children[1].className = "chip plain quiet";
          } else {
            made.children[1].className = "chip";
            fillChip(made.children[1], [id, text]);
          }
          made.classList.toggle("sum", sign === "=");
        },
      );
      const names = data.rows.map(([id, text]) => (id === null ? text : quoted(visible(text))));
      update(data.matrix, names, [...body.querySelectorAll("canvas")]);
    };
  },

  head(state, box) {
    const grid = element("div", "heads");
    grid.setAttribute("role", "group");
    let columns = 1;
    const moveStop = roving(grid, () => columns);
    grid.addEventListener("click", (event) => {
      const chosen = event.target.closest("button");
      if (chosen) state.send("clicked", ["head", Number(chosen.dataset.layer), Number(chosen.dataset.head)]);
    });
    const picker = element("div", "picker");
    const pickerName = element("div", "quiet small");
    picker.append(pickerName, grid);
    const places = element("div", "places");
    places.setAttribute("role", "list");
    box.append(picker, places);
    return (data) => {
      columns = data.focus[0].length;
      grid.style.setProperty("--columns", String(columns));
      const size = { layers: data.focus.length, heads: columns };
      write(pickerName, say("{layers} layers × {heads} heads: choose one", size));
      grid.setAttribute("aria-label", say("Layer and head"));
      fit(
        grid,
        data.focus.length * columns,
        () => {
          const made = button("cell");
          made.append(element("span", "dot"));
          return made;
        },
        (made, index) => {
          const [layer, head] = [Math.floor(index / columns), index % columns];
          const strongest = data.focus[layer][head];
          made.dataset.layer = String(layer);
          made.dataset.head = String(head);
          made.firstChild.style.setProperty("--size", `${20 + 80 * strongest}%`);
          const chosen = layer === data.layer && head === data.head;
          made.setAttribute("aria-pressed", String(chosen));
          const values = { layer: layer + 1, head: head + 1, share: percent(strongest) };
          const name = say("Layer {layer}, head {head}: its strongest look is {share}", values);
          made.setAttribute("aria-label", name);
          made.title = name;
        },
      );
      moveStop(data.layer * columns + data.head);
      fit(
        places,
        data.tokens.length,
        () => {
          const made = element("span", "place");
          made.setAttribute("role", "listitem");
          const track = element("span", "track");
          track.append(element("span", "fill"));
          made.append(element("span", "number"), track, chip());
          return made;
        },
        (made, index) => {
          const weight = data.weights[index];
          write(made.children[0], percent(weight));
          made.children[1].firstChild.style.height = `${100 * weight}%`;
          fillChip(made.children[2], data.tokens[index]);
          made.classList.toggle("most", index === data.most);
          made.classList.toggle("reader", index === data.tokens.length - 1);
        },
      );
    };
  },

  stream(state, box) {
    const body = element("div", "levels");
    const foot = element("div", "foot");
    box.append(body, foot);
    const key = element("div", "key quiet");
    for (const [className, words] of [
      ["attention", say("attention adds")],
      ["mlp", say("MLP adds")],
      ["whole", say("length of the vector")],
    ]) {
      const item = element("span", "key-item");
      item.append(element("span", `swatch ${className}`), element("span", "", words));
      key.append(item);
    }
    box.append(key);
    const update = stripGroup(state, body, foot);
    const bar = (className) => {
      const made = element("span", `bar ${className}`);
      made.append(element("span", "fill"), element("span", "number"));
      return made;
    };
    const fillBar = (made, value, most) => {
      made.classList.toggle("none", value === null);
      if (value === null) return;
      made.firstChild.style.width = `${(100 * value) / most}%`;
      write(made.lastChild, decimal(value.toFixed(1)));
    };
    return (data) => {
      body.setAttribute("aria-label", say("{label} Arrow keys read the numbers.", { label: `${data.label}.` }));
      body.classList.toggle("many", data.rows.length > 7);
      fit(
        body,
        data.rows.length,
        () => {
          const made = element("div", "line");
          const bars = element("span", "bars");
          bars.append(bar("attention"), bar("mlp"), bar("whole"));
          made.append(element("span", "name quiet"), stripCell(), bars);
          return made;
        },
        (made, index) => {
          const row = data.rows[index];
          write(made.children[0], row.name);
          const [attention, mlp, whole] = made.children[2].children;
          fillBar(attention, row.attention, data.most);
          fillBar(mlp, row.mlp, data.most);
          fillBar(whole, row.length, data.most);
        },
      );
      update(data.matrix, data.rows.map((row) => row.name), [...body.querySelectorAll("canvas")]);
    };
  },

  logits(state, box) {
    const lens = element("div", "lens");
    const lensTitle = element("div", "quiet small", say("If the model stopped here, it would say"));
    const lensList = element("ol", "rows");
    lens.append(lensTitle, lensList);
    const top = element("div", "top");
    const topTitle = element("div", "quiet small");
    const topList = element("ol", "rows");
    top.append(topTitle, topList);
    box.append(lens, top);
    const make = () => {
      const made = element("li", "row");
      const track = element("span", "track");
      track.append(element("span", "fill"));
      made.append(element("span", "name quiet"), chip(), track, element("span", "number"));
      return made;
    };
    return (data) => {
      fit(lensList, data.lens.length, make, (made, index) => {
        const [name, id, text, p] = data.lens[index];
        write(made.children[0], name);
        fillChip(made.children[1], [id, text]);
        made.children[2].firstChild.style.width = `${100 * p}%`;
        write(made.children[3], percent(p));
      });
      const values = { n: data.n, mean: signed(data.mean) };
      write(topTitle, say("The largest of {n} logits; bars begin at their mean, {mean}", values));
      const most = Math.max(1e-9, data.top[0][2] - data.mean);
      fit(topList, data.top.length, make, (made, index) => {
        const [id, text, logit] = data.top[index];
        write(made.children[0], `${index + 1}`);
        fillChip(made.children[1], [id, text]);
        made.children[2].firstChild.style.width = `${Math.max(0, (100 * (logit - data.mean)) / most)}%`;
        write(made.children[3], signed(logit));
      });
    };
  },

  next(state, box) {
    const line = element("div", "unit");
    const stretches = element("div", "stretches");
    stretches.setAttribute("role", "img");
    const dice = element("div", "dice");
    dice.append(element("span", "needle"), element("span", "dice-text"));
    line.append(stretches, dice);
    const list = element("div", "candidates");
    list.setAttribute("role", "group");
    const moveStop = roving(list);
    list.addEventListener("click", (event) => {
      const chosen = event.target.closest("button");
      if (chosen && chosen.getAttribute("aria-disabled") !== "true")
        state.send("clicked", ["append", Number(chosen.dataset.id)]);
    });
    box.append(line, list, element("div", "quiet small unsaved", say("Press a row to append that token instead.")));
    return (data) => {
      const shown = data.rows.reduce((sum, row) => sum + row[2], 0);
      stretches.setAttribute(
        "aria-label",
        say("All {n} tokens on a line from 0 to 1, each as long as its probability; the dice fell at {dice}.", {
          n: data.n,
          dice: decimal(data.dice.toFixed(3)),
        }),
      );
      fit(stretches, data.rows.length + 1, () => element("bdi", "stretch"), (made, index) => {
        const row = data.rows[index];
        const p = row ? row[2] : Math.max(0, 1 - shown);
        made.style.flexGrow = String(Math.max(p, 0.0005));
        made.className = row ? "stretch" : "stretch others";
        if (row) tint(made, row[0]);
        write(made, p > 0.09 ? (row ? visible(row[1]) : say("all others")) : "");
      });
      dice.style.setProperty("--at", `${100 * data.dice}%`);
      dice.classList.toggle("right", data.dice > 0.6);
      const fallen = { dice: decimal(data.dice.toFixed(3)), token: visible(data.drawnText) };
      write(dice.lastChild, say("dice {dice} → {token}", fallen));
      list.setAttribute("aria-label", say("Candidates for the next token"));
      const most = Math.max(1e-9, data.rows[0][2]);
      fit(
        list,
        data.rows.length,
        () => {
          const made = button("row");
          const track = element("span", "track");
          track.append(element("span", "fill"));
          made.append(chip(), track, element("span", "number"), element("span", "note"));
          return made;
        },
        (made, index) => {
          const [id, text, p, usable] = data.rows[index];
          fillChip(made.children[0], [id, text]);
          made.children[1].firstChild.style.width = `${(100 * p) / most}%`;
          write(made.children[2], percent(p));
          const drawn = id === data.drawn;
          write(made.children[3], drawn ? say("drawn") : usable ? "" : say("no text"));
          made.classList.toggle("drawn", drawn);
          made.dataset.id = String(id);
          made.setAttribute("aria-disabled", String(!usable));
          made.setAttribute(
            "aria-label",
            say("Append “{token}”, {share}", { token: visible(text), share: percent(p) }) +
              (drawn ? say(", drawn") : "") +
              (usable ? "" : say(": not possible, no text")),
          );
        },
      );
      moveStop(0);
    };
  },
};

// The numbers of a station as [what, token, number].
const strips = (data, names) => {
  const numbers = numbersOf(data.matrix);
  const { columns } = data.matrix;
  return names.flatMap((name, row) => [...numbers.subarray(row * columns, (row + 1) * columns)].map((value, at) => [String(at), name, value]));
};
const listed = {
  bytes: ({ characters }) => characters.map(([shown, hex]) => ["bytes", shown, hex]),
  merges: ({ rows }) => rows.flatMap((row) => row.tokens.map(([id, text]) => [row.name, text, id])),
  ids: ({ tokens }) => tokens.map(([id, text]) => ["id", text, id]),
  vectors: (data) => strips(data, data.rows.map(([, text]) => text)),
  head: ({ tokens, weights }) => tokens.map(([, text], place) => ["weight", text, weights[place]]),
  stream: (data) => strips(data, data.rows.map((row) => row.name)),
  logits: ({ lens, top }) => [
    ...lens.map(([name, , text, p]) => [name, text, p]),
    ...top.map(([, text, logit]) => ["logit", text, logit]),
  ],
  next: ({ rows }) => rows.map(([, text, p]) => ["probability", text, p]),
};

// --- the page ------------------------------------------------------------------------------------------------------

const makeStation = (state, data, number) => {
  const section = element("section", `station ${data.kind}`);
  const rail = element("div", "rail");
  rail.setAttribute("aria-hidden", "true");
  rail.append(element("span", "knot", String(number)));
  const words = element("div", "words-column");
  const title = element("h2", "station-title");
  title.append(element("span", "unseen", say("Station {n}: ", { n: number })), element("span"));
  const sentence = element("p", "sentence");
  const shape = element("div", "shape");
  const link = button("lesson unsaved");
  link.addEventListener("click", () => state.send("clicked", ["lesson", link.dataset.lesson]));
  words.append(title, sentence, shape, link);
  const box = element("div", "figure");
  section.append(rail, words, box);
  const update = figures[data.kind](state, box);
  return {
    section,
    update(fresh) {
      write(title.lastChild, fresh.title);
      write(sentence, fresh.sentence);
      write(shape, fresh.shape);
      write(link, say("{lesson} in full →", { lesson: fresh.link }));
      link.dataset.lesson = fresh.lesson;
      update(fresh);
    },
  };
};

const build = (parentElement) => {
  const root = element("div", "root");
  const head = element("div", "top-line");
  const line = element("p", "prompt");
  const tokens = element("span", "prompt-tokens");
  const next = element("bdi", "chip next-token");
  const share = element("span", "next-share");
  line.append(tokens, next, share);
  const facts = element("dl", "facts");
  const change = element("p", "change");
  head.append(line, facts, change);
  const list = element("div", "stations");
  root.append(head, list);
  parentElement.append(root);
  const state = { root, tokens, next, share, facts, change, list, stations: [], strips: [], kinds: "", send: null };
  onThemeChange(root, () => paintStrips(state));
  return state;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  const { head } = data;
  fit(state.tokens, head.tokens.length, chip, (made, index) => {
    const [id, text] = head.tokens[index];
    write(made, text.replaceAll("\n", "↵") || "∅");
    tint(made, id);
  });
  fillChip(state.next, head.next);
  write(state.share, percent(head.next[2]));
  fit(
    state.facts,
    head.facts.length,
    () => {
      const made = element("div", "fact");
      made.append(element("dt", "quiet"), element("dd"));
      return made;
    },
    (made, index) => {
      write(made.children[0], head.facts[index][0]);
      write(made.children[1], head.facts[index][1]);
    },
  );
  write(state.change, head.change);
  const kinds = data.stations.map((each) => each.kind).join();
  if (kinds !== state.kinds) {
    state.kinds = kinds;
    state.strips = [];
    state.stations = data.stations.map((each, index) => makeStation(state, each, index + 1));
    state.list.replaceChildren(...state.stations.map((each) => each.section));
  }
  data.stations.forEach((each, index) => state.stations[index].update(each));
  paintStrips(state);
  savable(state.root, say("The way of a prompt"), head.change, () => [
    ["station", "what", "token", "number"],
    ...data.stations.flatMap((each) => (listed[each.kind]?.(each) ?? []).map((row) => [each.title, ...row])),
  ]);
}
