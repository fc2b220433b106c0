// Proofs and solutions: what a link points to is open, and so is everything on paper.
(() => {
  const parents = (place) => {
    const found = [];
    for (let box = place; box; box = box.parentElement) if (box.tagName === "DETAILS") found.push(box);
    return found;
  };

  function reveal(hash) {
    let place = null;
    try {
      place = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    } catch { /* no address of ours */ }
    if (!place) return;
    const closed = parents(place).filter((box) => !box.open);
    closed.forEach((box) => { box.open = true; });
    // The body of a proof is shown together with its title.
    const seen = place.matches("details > .lowrot-fold-body") ? place.parentElement : place;
    if (closed.length || seen !== place) seen.scrollIntoView();
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".bd-article details:not([open])")];
    opened.forEach((box) => { box.open = true; });
  });
  addEventListener("afterprint", () => opened.splice(0).forEach((box) => { box.open = false; }));
  addEventListener("hashchange", () => reveal(location.hash));
  addEventListener("load", () => reveal(location.hash));
  // A link to where the address points already changes no hash.
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href*='#']");
    if (link && link.href === location.href) reveal(link.hash);
  });
})();
