// What a reference points to, shown beside it on hover and on keyboard focus; statements as LaTeX.
(() => {
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const loading = {};

  // The page of an address, without folder and extension: book/margins.
  const pageOf = (url) => decodeURIComponent(url.pathname.slice(root.pathname.length)).replace(/\.html$/, "");

  function stored(page) {
    loading[page] ??= new Promise((done) => {
      const script = document.createElement("script");
      script.src = new URL(`_static/previews/${page.replaceAll("/", "-")}.js`, root).href;
      script.onload = script.onerror = () => done(window.lowrotPreviews?.[page] ?? {});
      document.head.append(script);
    });
    return loading[page];
  }

  async function preview(link) {
    const url = new URL(link.href);
    const found = (await stored(pageOf(url)))[decodeURIComponent(url.hash.slice(1))];
    if (!found) return null;
    const holder = document.createElement("template");
    holder.innerHTML = found.html;
    for (const part of holder.content.querySelectorAll("[src], [href], [srcset]")) {
      for (const name of ["src", "href", "srcset"]) {
        if (part.hasAttribute(name)) part.setAttribute(name, new URL(part.getAttribute(name), root).href);
      }
      if (part.loading) part.loading = "eager";
    }
    holder.content.querySelectorAll(".headerlink, .lowrot-way, [data-lowrot-tools]").forEach((part) => part.remove());
    return holder.content;
  }

  // ------------------------------------------------------------- the box

  let box = null;
  let owner = null;
  let timer = 0;

  function close() {
    clearTimeout(timer);
    box?.remove();
    box = owner = null;
  }

  async function open(link) {
    if (owner === link) return;
    close();
    owner = link;
    const content = await preview(link);
    if (owner !== link || !content) return;
    box = document.createElement("aside");
    box.className = "lowrot-preview";
    box.setAttribute("aria-label", `Preview of ${link.textContent.trim()}`);
    box.append(content);
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", leave);
    box.addEventListener("focusout", leave);
    document.querySelector("main").append(box);
    place(link);
    if (box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  }

  // Below the link if there is room, above it otherwise; never outside the window.
  function place(link) {
    const line = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const [wide, high, gap] = [document.documentElement.clientWidth, innerHeight, 6];
    const below = line.bottom + gap + box.offsetHeight <= high || line.top < high / 2;
    box.style.maxHeight = `${Math.max(120, (below ? high - line.bottom : line.top) - 3 * gap)}px`;
    box.style.left = `${Math.max(gap, Math.min(line.left, wide - box.offsetWidth - gap))}px`;
    box.style.top = `${below ? line.bottom + gap : line.top - gap - box.offsetHeight}px`;
  }

  function leave() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!box?.matches(":hover, :focus-within") && !owner?.matches(":focus-visible")) close();
    }, 250);
  }

  const refOf = (event) => event.target.closest?.("a.lowrot-ref");
  document.addEventListener("pointerover", (event) => {
    const link = refOf(event);
    if (!link || event.pointerType === "touch" || link.closest(".lowrot-preview")) return;
    clearTimeout(timer);
    if (link !== owner) timer = setTimeout(() => open(link), 200);
  });
  document.addEventListener("pointerout", (event) => { if (refOf(event)) leave(); });
  document.addEventListener("focusin", (event) => {
    const link = refOf(event);
    if (link?.matches(":focus-visible") && !link.closest(".lowrot-preview")) open(link);
    else if (!box?.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.addEventListener("click", (event) => { if (!box?.contains(event.target)) close(); });
  // The page may still settle, or scroll to a link that has the focus: the box follows it.
  function follow() {
    if (!box) return;
    const line = owner.getBoundingClientRect();
    if ((line.bottom > 0 && line.top < innerHeight) || owner.matches(":focus-visible")) place(owner);
    else close();
  }
  addEventListener("resize", follow);
  addEventListener("scroll", (event) => { if (event.target === document) follow(); }, true);

  // ------------------------------------------------------------- copy as LaTeX

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }

  function tools() {
    const page = pageOf(new URL(location.href));
    document.querySelectorAll("div.proof[id], div.lowrot-exercise[id]").forEach((statement) => {
      const title = statement.querySelector(".admonition-title");
      const name = title?.querySelector(".caption-number")?.textContent.trim();
      if (!name || title.querySelector("button")) return;
      const button = Object.assign(document.createElement("button"), {
        type: "button", className: "lowrot-way lowrot-copy", textContent: "LaTeX", title: "Copy as LaTeX",
      });
      button.setAttribute("aria-label", `LaTeX of ${name}: copy`);
      button.addEventListener("click", async () => {
        const found = (await stored(page))[statement.id];
        if (!found?.tex) return;
        await copy(found.tex);
        button.textContent = "copied";
        button.setAttribute("aria-label", "copied");
        setTimeout(() => {
          button.textContent = "LaTeX";
          button.setAttribute("aria-label", `LaTeX of ${name}: copy`);
        }, 1500);
      });
      title.append(button);
    });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", tools);
  else tools();
})();
