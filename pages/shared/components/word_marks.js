// Words in a row, one tab stop among them; the number of the one pointed at, or in focus, is read out beneath.
const build = (parentElement) => {
  const root = element("div", "root");
  const title = element("div", "title");
  const strip = element("div", "strip");
  strip.setAttribute("role", "group");
  const readout = element("div", "readout quiet");
  readout.setAttribute("aria-hidden", "true"); // each word's own label says the same
  const legend = element("div", "legend quiet");
  legend.append(
    element("span", "swatch for", say("for the class")),
    element("span", "swatch against", say("against it")),
  );
  root.append(title, strip, readout, legend);
  parentElement.append(root);
  const state = { root, title, strip, readout, buttons: [], stop: 0 };
  const read = (index) => {
    readout.textContent = state.buttons[index].getAttribute("aria-label");
  };
  strip.addEventListener("pointerover", (event) => {
    const index = indexAt(event);
    if (index !== null) read(index);
  });
  rove(strip, state, read);
  return state;
};

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.title.textContent = data.title;
  state.strip.setAttribute("aria-label", `${data.title}. ${data.summary}`);
  const shown = (value) => {
    const size = Math.abs(value);
    const number = decimal(data.percent ? `${(100 * size).toFixed(1)} %` : size.toPrecision(3));
    return `${value < 0 ? "−" : "+"}${number}`;
  };
  state.buttons = data.words.map(([text, value], index) => {
    const word = element("span", `word ${value < 0 ? "against" : "for"}`);
    word.dataset.index = String(index);
    word.tabIndex = -1;
    word.setAttribute("role", "img");
    word.style.setProperty("--share", (Math.abs(value) / data.scale).toFixed(3));
    word.append(element("span", "text", text), element("span", "value", shown(value)));
    const values = { word: text, value: shown(value), unit: data.unit };
    word.setAttribute("aria-label", say("“{word}”: {value} {unit}", values));
    return word;
  });
  state.strip.replaceChildren(...state.buttons);
  stopAt(state, Math.max(0, Math.min(state.stop, state.buttons.length - 1)));
  state.readout.textContent = data.unit;
  savable(state.root, data.title, data.summary, () => [["word", data.unit], ...data.words]);
}
