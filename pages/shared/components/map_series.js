// Maps side by side, each a button: one tab stop, the arrow keys move and Enter chooses. Colours come from the theme
// when they are drawn, and again when the theme changes.

const build = (parentElement) => {
  const root = element("div", "root");
  const series = element("div", "series");
  series.setAttribute("role", "group");
  root.append(series);
  parentElement.append(root);
  const state = { root, series, buttons: [], stop: 0, data: null, send: null };
  const indexOf = (event) => state.buttons.indexOf(event.target.closest?.("button.small"));
  series.addEventListener("click", (event) => {
    const index = indexOf(event);
    if (index >= 0) state.send("clicked", index);
  });
  series.addEventListener("keydown", (event) => {
    const last = state.buttons.length - 1;
    const at = indexOf(event);
    const target = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: last }[
      event.key
    ];
    if (target === undefined) return;
    event.preventDefault();
    moveStop(state, Math.max(0, Math.min(target, last)));
    state.buttons[state.stop].focus();
  });
  onThemeChange(root, () => paint(state));
  return state;
};

const moveStop = (state, index) => {
  state.stop = index;
  state.buttons.forEach((button, at) => (button.tabIndex = at === index ? 0 : -1));
};

const paint = (state) => {
  const empty = rgb(state.root, "--st-background-color");
  const full = rgb(state.root, "--st-blue-color");
  state.data.maps.forEach((map, index) => {
    const canvas = state.buttons[index].querySelector("canvas");
    canvas.width = map.columns;
    canvas.height = map.rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(map.columns, map.rows);
    const levels = atob(map.levels);
    for (let at = 0; at < levels.length; at += 1) {
      const share = Math.sqrt(levels.charCodeAt(at) / 255); // weak weights can be seen too
      for (let channel = 0; channel < 3; channel += 1)
        image.data[4 * at + channel] = empty[channel] + share * (full[channel] - empty[channel]);
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  });
};

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  speak(data, parentElement);
  const state = stateOf(parentElement, build);
  state.send = setTriggerValue;
  state.data = data;
  state.series.setAttribute("aria-label", data.label);
  while (state.buttons.length > data.maps.length) state.buttons.pop().remove();
  while (state.buttons.length < data.maps.length) {
    const button = element("button", "small");
    button.type = "button";
    const canvas = element("canvas");
    canvas.setAttribute("aria-hidden", "true");
    button.append(canvas, element("span", "name"), element("span", "note quiet"));
    state.buttons.push(button);
    state.series.append(button);
  }
  data.maps.forEach((map, index) => {
    const button = state.buttons[index];
    button.querySelector(".name").textContent = map.title;
    button.querySelector(".note").textContent = map.note;
    button.setAttribute("aria-pressed", String(index === data.chosen));
  });
  moveStop(state, Math.max(0, Math.min(data.chosen, data.maps.length - 1)));
  paint(state);
  const told = ({ title, levels, columns }) =>
    Array.from(atob(levels), (each, at) => [title, Math.floor(at / columns), at % columns, each.charCodeAt(0) / 255]);
  savable(state.root, data.label, "", () => [["map", "row", "column", "weight"], ...data.maps.flatMap(told)]);
}
