// Figures with sliders: every frame was computed by lowrot; here one is chosen and drawn.
(() => {
  const INNER = 62, OUTER = 100, STEPS = 24, PACE = 160;
  const at = (x, y) => `${x.toFixed(1)},${(-y).toFixed(1)}`;
  const frameOf = (list, frame) => list[Math.min(frame, list.length - 1)];

  // From the first direction on the inner ring to the present one on the outer ring.
  function circle(start, now) {
    const line = [];
    for (let k = 0; k <= STEPS; k++) {
      const s = k / STEPS, angle = start + (now - start) * s * s * (3 - 2 * s);
      const radius = INNER + (OUTER - INNER) * s;
      line.push([radius * Math.cos(angle), radius * Math.sin(angle), 1]);
    }
    return line;
  }

  // Along the sphere from the first direction to the present one.
  function sphere(start, now) {
    const line = [];
    for (let k = 0; k <= STEPS; k++) {
      const v = start.map((x, i) => x + (now[i] - x) * (k / STEPS));
      const scale = OUTER / (Math.hypot(...v) || 1);
      line.push([v[0] * scale, v[1] * scale, now[2]]);
    }
    return line;
  }

  const direction = {
    circle: (frame, j) => frame[j] / 1000,
    sphere: (frame, j) => [0, 1, 2].map((i) => frame[3 * j + i] / 1000),
  };

  function neurons(svg, panel, frame) {
    const threads = svg.querySelectorAll(".thread"), dots = svg.querySelectorAll(".dot");
    const shares = panel.shares[frame], most = Math.max(...shares.map(Math.abs), 1);
    shares.forEach((share, j) => {
      const of = (i) => direction[panel.kind](frameOf(panel.directions, i), j);
      const line = (panel.kind === "circle" ? circle : sphere)(of(0), of(frame));
      const [x, y, near] = line[STEPS], size = Math.abs(share);
      const look = `${share < 0 ? "minus" : "plus"}${near < 0 ? " behind" : ""}`;
      threads[j].setAttribute("class", `thread ${look}`);
      threads[j].setAttribute("points", line.map(([u, v]) => at(u, v)).join(" "));
      threads[j].setAttribute("stroke-width", (0.8 + (2.2 * size) / most).toFixed(2));
      threads[j].setAttribute("stroke-opacity", (0.45 + (0.45 * size) / most).toFixed(2));
      dots[j].setAttribute("class", `dot ${look}`);
      dots[j].setAttribute("cx", x.toFixed(1));
      dots[j].setAttribute("cy", (-y).toFixed(1));
      dots[j].setAttribute("r", (0.8 + 0.011 * size).toFixed(2));
    });
  }

  // Tenths of the units of the picture: x, y, x, y, ..; null begins a new line.
  function trace(numbers, dots) {
    let out = "", pen = "M";
    for (let i = 0; i < numbers.length; i += 2) {
      if (numbers[i] === null) { pen = "M"; i--; continue; }
      out += `${pen}${numbers[i] / 10} ${numbers[i + 1] / 10}${dots ? "h0" : ""}`;
      pen = dots ? "M" : "L";
    }
    return out;
  }

  function chart(svg, panel, frame) {
    svg.querySelectorAll(".moving").forEach((path, k) => {
      path.setAttribute("d", trace(frameOf(panel.moving[k], frame), path.classList.contains("dots")));
    });
  }

  function start(root) {
    root.dataset.live = "";
    const { panels, controls } = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const inputs = [...root.querySelectorAll("input")], outputs = [...root.querySelectorAll("output")];
    const play = root.querySelector("button"), said = root.querySelector(".said");
    const svgs = root.querySelectorAll(".panel > svg"), readouts = root.querySelectorAll(".readout");
    const words = () => panels.map((panel) => [panel.title, frameOf(panel.readout, frame())].filter(Boolean).join(": "));
    const frame = () => inputs.reduce((sum, input, k) => sum * controls[k].length + Number(input.value), 0);

    function draw() {
      panels.forEach((panel, k) => {
        (panel.kind === "chart" ? chart : neurons)(svgs[k], panel, frame());
        readouts[k].textContent = frameOf(panel.readout, frame()) || "";
      });
      inputs.forEach((input, k) => {
        const text = controls[k][Number(input.value)];
        input.setAttribute("aria-valuetext", [text, ...words()].join("; "));
        outputs[k].textContent = text;
      });
    }

    // Who asked for less motion goes through the frames one by one.
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    let timer = 0;
    const last = () => Number(inputs[0].value) >= Number(inputs[0].max);
    const name = () => { play.textContent = timer ? "Pause" : calm.matches ? "Step" : "Play"; };
    function stop() {
      clearInterval(timer);
      timer = 0;
      name();
      said.textContent = [controls[0][Number(inputs[0].value)], ...words()].join("; ");
    }
    function step() {
      inputs[0].value = last() ? 0 : Number(inputs[0].value) + 1;
      draw();
      if (last() || calm.matches) stop();
    }
    if (play) {
      play.addEventListener("click", () => {
        if (timer) return stop();
        if (!calm.matches) timer = setInterval(step, PACE);
        name();
        step();
      });
      calm.addEventListener("change", () => (timer ? stop() : name()));
      name();
    }
    inputs.forEach((input) => input.addEventListener("input", () => { if (timer) stop(); draw(); }));
    draw();
  }

  document.querySelectorAll(".lowrot-live:not([data-live])").forEach(start);
})();
