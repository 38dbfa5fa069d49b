// A table of buttons, kept while the counts change, with one tab stop that the arrow keys move.
const shareOf = (count, total) => (total ? count / total : 0);
const percent = (share) => {
  const fine = (share > 0 && share < 0.1) || (share < 1 && share > 0.99); // "100 %" only of all
  return decimal(`${(100 * share).toFixed(fine ? 1 : 0)} %`);
};

const build = (parentElement) => {
  const root = element("div", "root");
  const title = element("div", "title");
  const scroll = element("div", "scroll");
  const table = element("table");
  scroll.append(table);
  const readout = element("div", "readout quiet");
  readout.setAttribute("aria-hidden", "true"); // each button's own label says the same
  root.append(title, scroll, readout);
  parentElement.append(root);
  const state = { root, title, table, readout, cells: [], names: "", stop: 0, send: null };
  const placeOf = (event) => {
    const button = event.target.closest?.("button.cell");
    return button ? Number(button.dataset.index) : null;
  };
  const show = (index) => {
    readout.textContent = state.cells[index].getAttribute("aria-label");
  };
  table.addEventListener("pointerover", (event) => {
    const index = placeOf(event);
    if (index !== null) show(index);
  });
  table.addEventListener("focusin", (event) => {
    const index = placeOf(event);
    if (index === null) return;
    moveStop(state, index);
    show(index);
  });
  table.addEventListener("click", (event) => {
    const index = placeOf(event);
    if (index !== null) state.send("clicked", [Math.floor(index / state.n), index % state.n]);
  });
  table.addEventListener("keydown", (event) => {
    const [row, column] = [Math.floor(state.stop / state.n), state.stop % state.n];
    const target = {
      ArrowRight: [row, Math.min(column + 1, state.n - 1)],
      ArrowLeft: [row, Math.max(column - 1, 0)],
      ArrowDown: [Math.min(row + 1, state.n - 1), column],
      ArrowUp: [Math.max(row - 1, 0), column],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    state.cells[target[0] * state.n + target[1]].focus();
  });
  return state;
};

const moveStop = (state, index) => {
  state.cells[state.stop]?.setAttribute("tabindex", "-1");
  state.stop = index;
  state.cells[index]?.setAttribute("tabindex", "0");
};

const layOut = (state, names) => {
  state.n = names.length;
  state.cells = [];
  const head = element("tr");
  head.append(element("td", "corner quiet", say("is ↓ · called →")));
  names.forEach((name) => {
    const cell = element("th", "", name);
    cell.scope = "col";
    cell.title = name;
    head.append(cell);
  });
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  names.forEach((name, row) => {
    const line = element("tr");
    const label = element("th", "", name);
    label.scope = "row";
    label.title = name;
    line.append(label);
    names.forEach((_, column) => {
      const place = element("td");
      const button = element("button", row === column ? "cell right" : "cell wrong");
      button.type = "button";
      button.tabIndex = -1;
      button.dataset.index = String(state.cells.length);
      button.append(element("span", "count"), element("span", "share"));
      state.cells.push(button);
      place.append(button);
      line.append(place);
    });
    body.append(line);
  });
  state.table.replaceChildren(top, body);
  moveStop(state, Math.min(state.stop, state.cells.length - 1));
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.title.textContent = data.title;
  state.table.setAttribute("aria-label", `${data.title}. ${data.summary}`);
  const names = JSON.stringify(data.names);
  if (state.names !== names) {
    state.names = names;
    layOut(state, data.names);
    state.readout.textContent = say("Choose a cell to read its texts.");
  }
  data.counts.forEach((line, row) => {
    const total = line.reduce((sum, each) => sum + each, 0);
    line.forEach((count, column) => {
      const button = state.cells[row * state.n + column];
      const share = shareOf(count, total);
      button.style.setProperty("--share", share.toFixed(3));
      button.classList.toggle("empty", count === 0);
      const [number, part] = button.children;
      const text = grouped(count);
      if (number.textContent !== text && number.textContent !== "") {
        number.classList.remove("moved");
        void number.offsetWidth; // so that the animation begins again
        number.classList.add("moved");
      }
      number.textContent = text;
      part.textContent = percent(share);
      const values = { n: count, total, class: data.names[row], called: data.names[column], share: percent(share) };
      button.setAttribute(
        "aria-label",
        row === column
          ? say("{n} of {total} texts that are {class} were called {called} ({share}), right", values)
          : say("{n} of {total} texts that are {class} were called {called} ({share}), wrong", values),
      );
      const chosen = data.selected !== null && data.selected[0] === row && data.selected[1] === column;
      if (chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  });
  savable(state.root, data.title, data.summary, () => [
    ["is", ...data.names],
    ...data.counts.map((line, row) => [data.names[row], ...line]),
  ]);
}
