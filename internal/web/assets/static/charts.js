// Lets the charts of a page be read with a pointer: the same numbers as the pictures, drawn by uPlot. Without this file
// the pictures stay.
"use strict";
(() => {
  const made = new Map(); // figure -> {plot, text}
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const size = (v) => (v < 1e3 ? `${v} B` : v < 999.5e3 ? `${+(v / 1e3).toFixed(v < 9950 ? 1 : 0)} kB` : `${+(v / 1e6).toFixed(v < 9.995e6 ? 2 : 1)} MB`);
  const unit = { points: String, count: String, bytes: size, seconds: (v) => (v < 1 ? (v * 1000).toFixed(1) + " ms" : v.toFixed(2) + " s") };
  const mark = { points: String, count: String, bytes: size, seconds: (v, top) => (top < 1 ? Math.round(v * 1e6) / 1e3 + " ms" : v + " s") };

  // The keys under a chart say the values that are pointed at, else those that the page came with: the latest.
  const point = (figure, data, at) => {
    const keys = figure.querySelectorAll(".keys .value");
    const time = figure.querySelector(".of time");
    if (!time || keys.length !== data.series.length) return;
    for (const element of [time, ...keys]) element.dataset.liveWas ??= element.textContent;
    if (at === null || at === undefined) {
      for (const element of [time, ...keys]) {
        element.textContent = element.dataset.liveWas;
        delete element.dataset.liveWas;
      }
      return;
    }
    time.textContent = new Date(data.t[at] * 1000).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" });
    keys.forEach((key, i) => {
      const value = data.v[i][at];
      key.textContent = value === null ? "–" : unit[data.unit](value);
    });
  };

  // Stacked areas are drawn from the highest to the lowest, each down to the ground.
  const stacked = (values) => {
    const sums = values[0].map(() => 0);
    return values.map((line) => line.map((v, i) => (v === null ? null : (sums[i] += v))));
  };

  const options = (figure, data, width) => {
    const order = data.series.map((_, i) => i);
    if (data.stacked) order.reverse();
    const lines = order.map((i) => {
      const stroke = colour(data.stacked || data.series.length > 1 ? data.series[i].class : "link");
      return {
        label: data.series[i].label,
        stroke,
        width: data.stacked ? 0 : 1.75,
        dash: { vital2: [10, 4], vital3: [2, 3] }[data.series[i].class],
        fill: data.stacked ? stroke : undefined,
        paths: data.stacked ? uPlot.paths.stepped({ align: -1 }) : undefined,
        points: { show: data.t.length < 3 && !data.stacked, size: 6 },
      };
    });
    const limits = (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.strokeStyle = colour("quiet");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
      for (const l of data.limits || []) {
        if (l.v > data.top) continue;
        const y = Math.round(u.valToPos(l.v, "y", true)) + 0.5;
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
      }
      ctx.restore();
    };
    const marks = (_, times, __, ___, step) => times.map((t) => {
      const at = new Date(t * 1000);
      if (step >= 86400 || (at.getHours() === 0 && at.getMinutes() === 0)) return at.toLocaleDateString([], { weekday: "short", day: "numeric" });
      return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    });
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width, height: 200,
      cursor: { sync: { key: "time" }, drag: { x: false, y: false } },
      scales: { x: { range: [data.from, data.until] }, y: { range: [0, data.top] } },
      axes: [{ ...axis, grid: { show: false }, values: marks, space: 70 }, { ...axis, size: 56, values: (_, marks) => marks.map((v) => mark[data.unit](v, data.top)) }],
      legend: { show: false },
      series: [{ label: "Time" }, ...lines],
      hooks: { draw: [limits], setCursor: [(u) => point(figure, data, u.cursor.idx)] },
      order,
    };
  };

  const draw = (figure) => {
    const source = figure.querySelector('script[type="application/json"]');
    const old = made.get(figure);
    if (!source || (old && old.text === source.textContent)) return;
    if (old) old.plot.destroy();
    for (const element of figure.querySelectorAll("[data-live-was]")) delete element.dataset.liveWas;
    const data = JSON.parse(source.textContent);
    if (!data.t.length) return;
    let root = figure.querySelector(".live");
    if (!root) {
      root = document.createElement("div");
      root.className = "live";
      root.dataset.live = "";
      root.setAttribute("aria-hidden", "true"); // the list of keys says it in words
      figure.append(root);
    }
    figure.setAttribute("data-live-chart", "");
    const opts = options(figure, data, Math.max(root.clientWidth, 200));
    const lines = data.stacked ? stacked(data.v) : data.v;
    made.set(figure, { plot: new uPlot(opts, [data.t, ...opts.order.map((i) => lines[i])], root), text: source.textContent, root });
  };

  const all = () => {
    for (const [figure, chart] of made) {
      if (!figure.isConnected) { chart.plot.destroy(); made.delete(figure); }
    }
    for (const figure of document.querySelectorAll("figure.chart")) draw(figure);
  };
  const redraw = () => {
    for (const chart of made.values()) chart.text = "";
    all();
  };

  document.addEventListener("shown", all);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", () => {
    for (const { plot, root } of made.values()) plot.setSize({ width: Math.max(root.clientWidth, 200), height: 200 });
  });
  all();
})();
