// Sets `data-projector` on the page, which the rules below and our components look at. Draws nothing.
const SHEET = "llm-projector";
const RULES = `
html[data-projector] { font-size: 23px; --llm-projector: 1; }
html[data-projector] [data-testid="stCaptionContainer"],
html[data-projector] [data-testid="stCaptionContainer"] * { color: inherit; opacity: 1; font-size: 1rem; }
html[data-projector] [data-testid="stMainBlockContainer"] { padding: 1.5rem 2rem; max-width: none; }
html[data-projector] [data-testid="stExpander"] details,
html[data-projector] [data-testid="stVerticalBlock"] { border-color: currentColor; }
html[data-projector] [data-testid="stMarkdownContainer"] p,
html[data-projector] [data-testid="stMarkdownContainer"] li { line-height: 1.45; }
html[data-projector] [data-testid="stElementContainer"]:has([data-testid="stMetric"]) { width: auto !important; min-width: 10rem; }
html[data-projector] [data-testid="stSidebar"] { font-size: 0.8rem; }
`;

const announce = () => window.dispatchEvent(new Event("llm-projector"));

export default function ({ parentElement }) {
  if (!document.getElementById(SHEET)) {
    const sheet = element("style");
    sheet.id = SHEET;
    sheet.textContent = RULES;
    document.head.append(sheet);
  }
  const page = document.documentElement;
  if (!page.hasAttribute("data-projector")) {
    page.setAttribute("data-projector", "");
    announce();
  }
  if (!parentElement.querySelector(".root")) parentElement.append(element("div", "root"));
  const root = parentElement.querySelector(".root");
  return () =>
    setTimeout(() => {
      if (root.isConnected) return;
      page.removeAttribute("data-projector");
      announce();
    }, 0);
}
