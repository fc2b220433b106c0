// Repairs of the theme's accessibility faults; nothing here is needed to read the book.
(() => {
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

  const ours = new Map(); // what can be focused only because it scrolls, and the attributes it got

  // Say at which sides of a box that scrolls there is more to be seen.
  function more({ currentTarget: box }) {
    const rest = box.scrollWidth - box.clientWidth - box.scrollLeft;
    box.classList.toggle("lowrot-more-left", box.scrollLeft > 2);
    box.classList.toggle("lowrot-more-right", rest > 2);
  }

  function repair() {
    // The logo is outside every landmark.
    each(".sidebar-primary-item .navbar-brand, .navbar-header-items .navbar-brand", (logo) => {
      const box = logo.parentElement;
      if (!logo.closest("nav, header, [role=region]")) {
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", "Home");
      }
    });
    // A label must contain what is seen; the icons inside the mode button repeat its title.
    each(".theme-switch-button [title], .theme-switch-button [data-bs-title]", (icon) => {
      icon.removeAttribute("title");
      icon.setAttribute("aria-hidden", "true");
    });
    each("button[aria-label], a[aria-label]", (control) => {
      const seen = control.innerText?.trim(); // a link in a drawing has none
      if (seen && !control.getAttribute("aria-label").toLowerCase().includes(seen.toLowerCase())) {
        control.removeAttribute("aria-label");
      }
    });
    // The arrow that unfolds the pages below one has no name.
    each("summary:has(> .toctree-toggle)", (arrow) => {
      const page = arrow.closest("li")?.querySelector("a")?.textContent.trim();
      arrow.setAttribute("aria-label", `Pages of ${page}`);
    });
    // The corner of a table of pandas heads nothing.
    each("table.dataframe th:empty", (corner) => {
      corner.replaceWith(Object.assign(document.createElement("td"), { className: corner.className }));
    });
    // Citations have a deprecated role, and are a list only where they have list items.
    each("[role=doc-biblioentry]", (entry) => entry.removeAttribute("role"));
    each("[role=list]", (list) => {
      const items = [...list.children];
      if (!items.length || items.some((item) => item.getAttribute("role") !== "listitem")) {
        list.removeAttribute("role");
        items.forEach((item) => item.getAttribute("role") === "listitem" && item.removeAttribute("role"));
      }
    });
    // Chromium keeps room for the widest root behind each: what follows would stand apart.
    const roots = [...document.querySelectorAll("msqrt")].map((root) => {
      const end = root.getBoundingClientRect().right;
      return [root, end && end - root.lastElementChild.getBoundingClientRect().right];
    });
    for (const [root, room] of roots) {
      if (room > 0) root.style.marginInlineEnd = `${0.02 - room / parseFloat(getComputedStyle(root).fontSize)}em`;
    }
    // What scrolls must be reachable from the keyboard, and what is too wide must scroll.
    each("span.math", (formula) => {
      const room = formula.parentElement.closest("p, li, dd, dt, td, th, figcaption, div, section");
      const parts = formula.querySelectorAll("math > mrow"); // of a formula that is broken between them
      const wide = Math.max(formula.scrollWidth, ...[...parts].map((row) => row.getBoundingClientRect().width));
      formula.classList.toggle("lowrot-wide", wide > room.clientWidth && room.clientWidth > 0);
    });
    each("pre, figure, .text_html, .pst-scrollable-table-container, .bd-article div, .bd-article table, .lowrot-wide", (box) => {
      const flow = getComputedStyle(box).overflowX;
      const scrolls = box.scrollWidth > box.clientWidth && (flow === "auto" || flow === "scroll");
      if (scrolls) {
        more({ currentTarget: box });
        box.addEventListener("scroll", more, { passive: true });
      } else box.classList.remove("lowrot-more-left", "lowrot-more-right");
      if (scrolls && !box.hasAttribute("tabindex")) {
        const given = { tabindex: "0" };
        // A box that can be focused says what it is; a table and a figure have a role of their own.
        if (!box.hasAttribute("role") && !/^(table|figure)$/.test(box.localName)) {
          const what = box.matches(".lowrot-wide") ? "formula" : box.localName === "pre" ? "code" : "table";
          Object.assign(given, { role: "group", "aria-label": `${what} that scrolls` });
        }
        for (const name in given) box.setAttribute(name, given[name]);
        ours.set(box, given);
      } else if (!scrolls && ours.has(box)) {
        for (const name in ours.get(box)) box.removeAttribute(name);
        ours.delete(box);
      }
    });
    // Buttons that unfold say what.
    each("button.toggle-button", (button) => {
      const title = button.closest(".admonition")?.querySelector(".admonition-title")?.textContent.trim();
      if (title) button.setAttribute("aria-label", `Show or hide: ${title}`);
    });
  }

  function start() {
    repair();
    setTimeout(repair, 250);
    document.fonts?.ready.then(repair);
    document.fonts?.addEventListener("loadingdone", repair); // letters that come late are wider
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
  window.addEventListener("resize", repair);
  document.addEventListener("toggle", repair, true); // what was closed had no width
})();
