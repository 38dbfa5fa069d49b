// An iframe with an empty sandbox: no scripts, no forms, an origin of its own.
const build = (parentElement) => {
  const root = element("div", "root");
  const frame = element("iframe", "paper");
  frame.setAttribute("sandbox", "");
  frame.tabIndex = 0;
  root.append(frame);
  parentElement.append(root);
  return { root, frame, seen: null };
};

export default function (component) {
  const { data, parentElement } = component;
  const state = stateOf(parentElement, build);
  state.frame.title = data.label;
  state.frame.style.height = `${data.height}px`;
  if (state.seen === data.html) return;
  state.seen = data.html;
  state.frame.srcdoc = data.html;
}
