// What a symbol means, where the pointer rests on it. The build writes the meanings into
// symbols-data.js; they are loaded when they are first asked for.
(() => {
  const source = document.currentScript.src.replace(/symbols\.js.*$/, "symbols-data.js");
  const page = location.pathname.split("/").pop().replace(".html", "");
  let loading;
  const load = () => (loading ??= new Promise((done) => {
    const script = Object.assign(document.createElement("script"), { src: source, onload: done });
    document.head.append(script);
  }));
  // An element of a formula without its attributes and its spaces.
  const bare = (element) => element.outerHTML.replace(/<(\/?\w+)[^>]*>/g, "<$1>").replace(/\s+/g, "");
  const box = Object.assign(document.createElement("div"), { className: "lowrot-meaning", hidden: true });
  box.setAttribute("role", "tooltip");
  box.id = "lowrot-meaning";

  const stands = ({ pages, except }) => (pages === "*" ? !except.includes(page) : pages.includes(page));

  // The largest part that has a meaning: the letter in gamma_l2 is no loss.
  function meaning(start) {
    let known = [];
    for (let e = start, level = 0; e && e.localName !== "math" && level < 4; e = e.parentElement, level++) {
      const found = window.lowrotSymbols?.[bare(e)]?.find(stands);
      if (found) known = [e, found];
    }
    return known;
  }

  async function show(event) {
    await load();
    const [symbol, found] = meaning(event.target);
    if (!found) return hide();
    box.innerHTML = found.html;
    box.hidden = false;
    const at = symbol.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left), innerWidth - box.offsetWidth - 8);
    const above = at.top - box.offsetHeight - 6;
    box.style.left = `${left}px`;
    box.style.top = `${above > 4 ? above : at.bottom + 6}px`;
  }

  function hide() {
    box.hidden = true;
  }

  let waiting;
  document.addEventListener("pointerover", (event) => {
    clearTimeout(waiting);
    if (box.contains(event.target)) return;
    if (event.target.closest?.(".bd-article math")) waiting = setTimeout(show, 250, event);
    else waiting = setTimeout(hide, 150);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("scroll", hide, { passive: true });
  addEventListener("DOMContentLoaded", () => document.body.append(box));
})();
