// Live code asks two servers of others. If one does not answer in time, that is said, and the page
// stays as it was.
(() => {
  const PATIENCE = 9000;
  let notice = null;

  function say(text) {
    if (!notice) {
      notice = Object.assign(document.createElement("div"), { className: "lowrot-notice" });
      notice.setAttribute("role", "status");
      const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
      close.addEventListener("click", () => { notice.hidden = true; });
      notice.append(document.createElement("span"), close);
      document.querySelector("main").append(notice);
    }
    notice.hidden = false;
    notice.firstChild.textContent = text;
  }

  const reach = (url) => fetch(url, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });

  function giveBack() {
    document.querySelectorAll(".thebe-launch-button").forEach((button) => button.remove());
    say("Live code could not reach its server, and nothing on this page has changed. "
      + "The chapter can be downloaded as a notebook instead.");
  }

  function guard() {
    const launch = window.initThebeSBT;
    if (!launch) return;
    let busy = false;
    window.initThebeSBT = async () => {
      if (busy) return;
      busy = true;
      say("Live code: reaching its server …");
      try {
        await Promise.all([reach(THEBE_JS_URL), reach("https://mybinder.org/")]);
        say("Live code: a server has answered and is being prepared; this can take minutes.");
        launch();
        setTimeout(() => { if (typeof thebelab === "undefined") giveBack(); }, PATIENCE);
      } catch {
        giveBack();
      } finally {
        busy = false;
      }
    };
  }
  if (document.readyState === "complete") guard();
  else addEventListener("load", guard);
})();
