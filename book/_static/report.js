/* The claims of the report: filtered and sorted. Without this script they are all there, by chapter. */
document.addEventListener("DOMContentLoaded", () => {
  const ledger = document.querySelector(".lowrot-ledger");
  if (!ledger) return;
  const chapters = [...ledger.querySelectorAll("details.lowrot-chapter")];
  const rows = [...ledger.querySelectorAll("tbody tr")];
  const order = new Map(rows.map((row, place) => [row, place]));
  const text = new Map(rows.map(row => [row, row.textContent.toLowerCase()]));

  const controls = document.createElement("form");
  controls.className = "lowrot-controls";
  controls.setAttribute("aria-label", "Filter and sort the claims");
  const field = (name, made) => {
    const label = document.createElement("label");
    made.setAttribute("aria-label", name); // the text of a label would include the options
    label.append(name, made);
    controls.append(label);
    return made;
  };
  const choice = (name, options) => {
    const made = document.createElement("select");
    for (const [value, shown] of options) made.add(new Option(shown, value));
    return field(name, made);
  };
  const words = field("words", document.createElement("input"));
  words.type = "search";
  const kinds = [...new Set(rows.map(row => row.dataset.provenance))].sort();
  const kind = choice("provenance", [["", "any"], ...kinds.map(k => [k, k])]);
  const titles = chapters.map(c => [c.id, c.querySelector("summary").firstChild.data]);
  const chapter = choice("chapter", [["", "all"], ...titles]);
  const by = choice("sort by", [["", "place in the chapter"], ["name", "name"],
    ["slack", "slack, least first"], ["relative", "relative slack, least first"]]);
  const fold = document.createElement("button");
  fold.type = "button";
  fold.textContent = "Unfold all";
  const count = document.createElement("output");
  controls.append(fold, count);
  ledger.before(controls);

  // As Python writes them; what is missing, or is no number, comes after every number.
  const infinite = { inf: Infinity, "-inf": -Infinity };
  const value = (row, key) => {
    const text = row.dataset[key] ?? "";
    const read = infinite[text] ?? (text.trim() === "" ? NaN : Number(text));
    return { missing: Number.isNaN(read), read };
  };
  const byNumber = (a, b) => a.missing - b.missing || (a.read < b.read ? -1 : Number(a.read > b.read));
  const byPlace = (a, b) => order.get(a) - order.get(b);
  const sorted = key => (a, b) => {
    if (key === "") return byPlace(a, b);
    const first = key === "name" ? a.dataset.name.localeCompare(b.dataset.name, "en")
      : byNumber(value(a, key), value(b, key));
    return first || byPlace(a, b);
  };

  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let total = 0;
    for (const part of chapters) {
      const body = part.querySelector("tbody");
      const own = [...body.rows];
      let left = 0;
      for (const row of own) {
        row.hidden = (kind.value !== "" && row.dataset.provenance !== kind.value)
          || !wanted.every(word => text.get(row).includes(word));
        left += !row.hidden;
      }
      body.append(...own.sort(sorted(by.value)));
      part.querySelector(".lowrot-shown").textContent = left;
      part.hidden = left === 0 || (chapter.value !== "" && part.id !== chapter.value);
      if (!part.hidden) total += left;
    }
    count.textContent = `${total} of ${rows.length} claims`;
  };
  const narrowed = () => {
    apply();
    if (words.value || kind.value || chapter.value) for (const part of chapters) part.open = !part.hidden;
  };
  for (const made of [words, kind, chapter]) made.addEventListener("input", narrowed);
  by.addEventListener("input", apply);
  controls.addEventListener("submit", event => event.preventDefault());
  fold.addEventListener("click", () => {
    const open = !chapters.every(part => part.open || part.hidden);
    for (const part of chapters) part.open = open;
    fold.textContent = open ? "Fold all" : "Unfold all";
  });
  const follow = () => {
    const part = chapters.find(made => `#${made.id}` === location.hash);
    if (part) part.open = true;
  };
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", () => { for (const part of chapters) part.open = true; });
  apply();
  follow();
});
