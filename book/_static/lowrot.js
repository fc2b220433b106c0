// Repairs of the theme's accessibility faults; nothing here is needed to read the book.
(() => {
  const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

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
      const seen = control.innerText.trim();
      if (seen && !control.getAttribute("aria-label").toLowerCase().includes(seen.toLowerCase())) {
        control.removeAttribute("aria-label");
      }
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
    each("mjx-container:not([display=true])", (formula) => {
      const room = formula.parentElement.closest("p, li, dd, dt, td, th, figcaption, div, section");
      formula.classList.toggle("lowrot-wide", formula.scrollWidth > room.clientWidth && room.clientWidth > 0);
    });
    each("pre, figure, .text_html, mjx-container, .pst-scrollable-table-container, .bd-article div, .bd-article table", (box) => {
      const flow = getComputedStyle(box).overflowX;
      const scrolls = box.scrollWidth > box.clientWidth + 1 && (flow === "auto" || flow === "scroll");
      if (scrolls && !box.hasAttribute("tabindex")) box.tabIndex = 0;
    });
  }

  // No line begins with the comma that follows a formula, or ends with the bracket before it.
  function keepTogether() {
    each(".bd-article span.math", (formula) => {
      const [before, after] = [formula.previousSibling, formula.nextSibling];
      const opening = before?.nodeType === Node.TEXT_NODE ? before.data.match(/[([“]?$/)[0] : "";
      const closing = after?.nodeType === Node.TEXT_NODE ? after.data.match(/^[,.;:!?)\]”]*/)[0] : "";
      if (!opening && !closing) return;
      const box = Object.assign(document.createElement("span"), { className: "lowrot-together" });
      formula.before(box);
      if (opening) before.data = before.data.slice(0, -opening.length);
      if (closing) after.data = after.data.slice(closing.length);
      box.append(opening, formula, closing);
    });
  }

  function start() {
    repair();
    setTimeout(repair, 250);
    window.MathJax?.startup?.promise?.then(keepTogether).then(repair);
  }
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start);
  window.addEventListener("resize", repair);
})();
