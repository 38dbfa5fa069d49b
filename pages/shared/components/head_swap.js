// Three columns: the body from its embeddings up, the head that goes, the head that comes.
const learns = () => ({
  no: ["frozen", say("❄ stays as it is")],
  yes: ["learning", say("✎ learns")],
  adapter: ["adapted", say("✎ learns beside it (LoRA)")],
});

const build = (parentElement) => {
  const root = element("div", "root");
  root.setAttribute("role", "img");
  parentElement.append(root);
  return { root };
};

const headOf = (className, title, note, rows, more, size) => {
  const box = element("div", `head ${className}`);
  box.append(element("div", "name", title), element("div", "note", note));
  const list = element("div", "rows");
  rows.forEach((text) => list.append(element("span", "row", visibleWord(text))));
  if (more) list.append(element("span", "row more", more));
  box.append(list, element("div", "size", size));
  return box;
};

const visibleWord = (text) => text.replaceAll("\n", "↵") || "∅";

export default function (component) {
  const { data, parentElement } = component;
  speak(data, parentElement);
  const { root } = stateOf(parentElement, build);
  root.setAttribute("aria-label", data.summary);
  const body = element("div", "body");
  [...data.parts].reverse().forEach((part) => {
    const [className, words] = learns()[part.learns];
    const box = element("div", `part ${className}`);
    box.append(element("span", "name", part.name), element("span", "size", part.n), element("span", "note", words));
    body.append(box);
  });
  const pooled = element("div", "pooled");
  const mean = data.pooling === "last" ? say("the vector of the last token") : say("the mean of all tokens' vectors");
  pooled.append("↑ ", element("span", "", mean), " ↑");
  const old = headOf(
    "old",
    say("Old head, taken off"),
    say("a score for every token that may come next"),
    data.old.rows,
    "…",
    data.old.n,
  );
  if (data.tied) old.append(element("div", "note", say("It was the token embedding itself, which stays below.")));
  const fresh = headOf(
    "new",
    say("New head"),
    say("✎ learns: a score for every class"),
    data.new.rows,
    data.new.more ? say("and {n} more", { n: data.new.more }) : "",
    data.new.n,
  );
  const heads = element("div", "heads");
  heads.append(old, element("div", "arrow", "→"), fresh);
  root.replaceChildren(heads, pooled, body);
  savable(root, say("Old head and new head"), data.summary, () => [
    ["part", "numbers", "learns"],
    ...data.parts.map((part) => [part.name, part.n, learns()[part.learns][1]]),
    [say("Old head, taken off"), data.old.n, null],
    [say("New head"), data.new.n, null],
  ]);
}
