// Repairs of the theme's accessibility faults; nothing here is needed to read the book.
(() => {
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

  const ours = new Set(); // what can be focused only because it scrolls

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
      if (scrolls && !box.hasAttribute("tabindex")) {
        box.tabIndex = 0;
        ours.add(box);
      } else if (!scrolls && ours.delete(box)) box.removeAttribute("tabindex");
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
