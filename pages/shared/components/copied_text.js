// Spans are buttons in running text: one tab stop, arrow keys between them, what they are in a line beneath. They are
// elements with a role, since a real button would not break over lines.
const build = (parentElement) => {
  const root = element("div", "root");
  const box = element("div", "box");
  box.setAttribute("role", "group");
  const tip = element("div", "tip quiet");
  root.append(box, tip);
  parentElement.append(root);
  const state = { root, box, tip, notes: [], buttons: [], stop: 0, selected: null, seen: "", send: null };

  const buttonOf = (event) => event.target.closest?.(".span");
  const rest = () => {
    tip.textContent = state.notes[state.selected] ?? "";
  };
  const tell = (event) => {
    const button = buttonOf(event);
    if (button) tip.textContent = state.notes[Number(button.dataset.span)];
  };
  box.addEventListener("pointerover", tell);
  box.addEventListener("pointerleave", rest);
  rove(box, state, (index) => {
    tip.textContent = state.notes[Number(state.buttons[index].dataset.span)];
  });
  box.addEventListener("focusout", rest);
  box.addEventListener("click", (event) => {
    const button = buttonOf(event);
    if (button) state.send("clicked", Number(button.dataset.span));
  });
  box.addEventListener("keydown", (event) => {
    const own = buttonOf(event);
    if (!own || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    state.send("clicked", Number(own.dataset.span));
  });
  state.rest = rest;
  return state;
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.notes = data.notes;
  state.selected = data.selected;
  state.box.setAttribute("aria-label", data.label);
  const seen = JSON.stringify([data.prompt, data.pieces]);
  if (seen !== state.seen) {
    state.seen = seen;
    state.buttons = [];
    state.stop = 0;
    const fresh = document.createDocumentFragment();
    if (data.prompt) fresh.append(element("span", "prompt", data.prompt));
    for (const [text, span] of data.pieces) {
      if (span === null) {
        fresh.append(text);
        continue;
      }
      const button = element("span", "span", text);
      button.setAttribute("role", "button");
      button.tabIndex = state.buttons.length ? -1 : 0;
      button.dataset.index = String(state.buttons.length);
      button.dataset.span = String(span);
      state.buttons.push(button);
      fresh.append(button);
    }
    state.box.replaceChildren(fresh);
  }
  // Without a span in it the box itself must be reachable, to be scrolled.
  if (state.buttons.length) state.box.removeAttribute("tabindex");
  else state.box.tabIndex = 0;
  for (const button of state.buttons) {
    const span = Number(button.dataset.span);
    button.setAttribute("aria-pressed", String(span === data.selected));
    button.title = data.notes[span];
  }
  state.rest();
  savable(state.root, data.label, "", () => [
    ["text", "copied"],
    ...(data.prompt ? [[data.prompt, null]] : []),
    ...data.pieces.map(([text, span]) => [text, span === null ? null : data.notes[span]]),
  ]);
}
