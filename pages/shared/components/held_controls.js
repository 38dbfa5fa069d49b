// Streamlit puts the class `st-key-…` on what has a key. What is drawn later is found by an observer. Draws nothing.
const SHEET = "llm-held-controls";
const RULES = `
[data-held="locked"] { cursor: not-allowed; }
[data-held="locked"]::after { content: attr(data-held-note); display: block; font-size: 0.8rem; font-style: italic; }
[data-held="hidden"],
[data-testid="stExpander"]:has([data-held="hidden"]):not(:has([data-testid="stElementContainer"]:not([data-held="hidden"]))) {
  display: none !important;
}
`;
const holding = { keys: new Map(), hidden: false, note: "", observer: null, root: null };

const className = (key) => `st-key-${key.trim().replaceAll(/[^a-zA-Z0-9_-]/g, "-")}`;

const release = (each) => {
  each.inert = false;
  for (const name of ["aria-disabled", "data-held", "data-held-note"]) each.removeAttribute(name);
};

const apply = () => {
  if (!holding.root?.isConnected) {
    holding.observer?.disconnect();
    holding.observer = null;
    document.querySelectorAll("[data-held]").forEach(release);
    return;
  }
  const wanted = holding.hidden ? "hidden" : "locked";
  for (const each of document.querySelectorAll("[data-held]"))
    if (![...each.classList].some((name) => holding.keys.has(name))) release(each);
  for (const name of holding.keys.keys())
    for (const each of document.getElementsByClassName(name)) {
      if (each.dataset.held === wanted && each.inert) continue;
      each.inert = true;
      each.setAttribute("aria-disabled", "true");
      each.dataset.held = wanted;
      each.dataset.heldNote = holding.note;
    }
};

export default function ({ data, parentElement }) {
  if (!document.getElementById(SHEET)) {
    const sheet = element("style");
    sheet.id = SHEET;
    sheet.textContent = RULES;
    document.head.append(sheet);
  }
  if (!holding.root?.isConnected || !parentElement.contains(holding.root)) {
    holding.root = element("div", "root");
    parentElement.append(holding.root);
  }
  holding.keys = new Map(data.keys.map((key) => [className(key), key]));
  holding.hidden = data.hidden;
  holding.note = data.note;
  if (!holding.observer) {
    holding.observer = new MutationObserver(apply);
    holding.observer.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "inert"] });
  }
  apply();
  return () => setTimeout(apply, 0);
}
