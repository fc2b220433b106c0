// One slider for several panels: every frame gives each neuron a direction and a signed share.
(() => {
  const root = document.getElementById("__ID__");
  const { panels, times } = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const slider = root.querySelector("input"), shown = root.querySelector("output");
  const INNER = 62, OUTER = 100, STEPS = 24;
  const at = (x, y) => `${x.toFixed(1)},${(-y).toFixed(1)}`;

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

  function draw(frame) {
    panels.forEach((panel, k) => {
      const threads = root.querySelectorAll(`#__ID__-${k} .thread`), dots = root.querySelectorAll(`#__ID__-${k} .dot`);
      const shares = panel.shares[frame], most = Math.max(...shares.map(Math.abs), 1);
      shares.forEach((share, j) => {
        const of = (i) => direction[panel.kind](panel.directions[i], j);
        const line = (panel.kind === "circle" ? circle : sphere)(of(0), of(frame));
        const [x, y, near] = line[STEPS], size = Math.abs(share);
        const look = `${share < 0 ? "minus" : "plus"}${near < 0 ? " behind" : ""}`;
        threads[j].setAttribute("class", `thread ${look}`);
        threads[j].setAttribute("points", line.map(([u, v]) => at(u, v)).join(" "));
        threads[j].setAttribute("stroke-width", (0.4 + (2.6 * size) / most).toFixed(2));
        threads[j].setAttribute("stroke-opacity", (0.2 + (0.7 * size) / most).toFixed(2));
        dots[j].setAttribute("class", `dot ${look}`);
        dots[j].setAttribute("cx", x.toFixed(1));
        dots[j].setAttribute("cy", (-y).toFixed(1));
        dots[j].setAttribute("r", (0.8 + 0.011 * size).toFixed(2));
      });
      root.querySelector(`#__ID__-${k} + p + .readout`).textContent = panel.readout[frame];
    });
    slider.setAttribute("aria-valuetext", times[frame]);
    shown.textContent = times[frame];
  }

  slider.addEventListener("input", () => draw(Number(slider.value)));
  draw(Number(slider.value));
})();
