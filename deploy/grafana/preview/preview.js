/* Draws a dashboard of Grafana's from its JSON and a Prometheus: the kinds of panels and the
   options that deploy/grafana uses, and no others. It is for looking at dashboards where
   Grafana is not at hand; time series are drawn by uPlot, as Grafana draws them. */
"use strict";

const PALETTE = ["#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#56D4DD", "#FF7383",
  "#96D98D", "#FFEE52", "#8AB8FF", "#FFB357", "#CA95E5", "#37872D", "#E0B400", "#1F60C4"];
const NAMED = { green: "#73BF69", yellow: "#FADE2A", red: "#F2495C", blue: "#5794F2" };
const CELL = 38;  // Pixels of a row of the grid, the gap included, as Grafana has it.
const GAP = 6;

let options;  // { url, from, to, step, rate, range, variables }

const SCALES = {
  short: [[1e9, " Bil"], [1e6, " Mil"], [1e3, " K"], [1, ""]],
  bytes: [[2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]],
  Bps: [[1e9, " GB/s"], [1e6, " MB/s"], [1e3, " kB/s"], [1, " B/s"]],
  bps: [[1e9, " Gb/s"], [1e6, " Mb/s"], [1e3, " kb/s"], [1, " b/s"]],
  s: [[86400, " day"], [3600, " hour"], [60, " min"], [1, " s"], [1e-3, " ms"], [1e-6, " µs"]],
};
const RATES = { pps: " p/s", cps: " c/s", reqps: " req/s", mps: " msg/s" };

function shown(value, unit, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return "-";
  if (unit === "percentunit") return `${digits(100 * value, decimals)}%`;
  if (RATES[unit]) return shown(value, "short", decimals) + RATES[unit];
  const scale = SCALES[unit] || SCALES.short;
  const [size, name] = scale.find(([least]) => Math.abs(value) >= least) || scale[value ? scale.length - 1 : scale.findIndex(([l]) => l === 1)];
  return digits(value / size, decimals) + name;
}

function digits(value, decimals) {
  if (decimals !== undefined) return value.toFixed(decimals);
  const magnitude = Math.abs(value);
  return String(Number(value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2)));
}

function filledIn(query) {
  const values = { __rate_interval: options.rate, __range: options.range, ...options.variables };
  return query.replace(/\$(\w+)/g, (whole, name) => values[name] ?? whole);
}

async function asked(path, parameters) {
  const response = await fetch(`${options.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (answer.status !== "success") throw new Error(answer.error);
  return answer.data.result;
}

const overTime = (query) => asked("query_range", {
  query: filledIn(query), start: options.from, end: options.to, step: options.step });
const atTheEnd = (query) => asked("query", { query: filledIn(query), time: options.to });

function named(legend, labels) {
  return legend.replace(/\{\{(\w+)\}\}/g, (_whole, label) => labels[label] ?? "");
}

function element(kind, parent, className = "", text = "") {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
}

function levelOf(panel, value) {
  const steps = panel.fieldConfig.defaults.thresholds?.steps ?? [];
  const reached = steps.filter((step) => step.value === null || step.value === undefined || value >= step.value);
  return NAMED[reached.at(-1)?.color] ?? NAMED.blue;
}

function gridTimes() {
  const count = Math.floor((options.to - options.from) / options.step) + 1;
  return Array.from({ length: count }, (_each, at) => options.from + at * options.step);
}

function onGrid(values) {
  const found = new Map(values.map(([at, value]) => [Math.round(at), Number(value)]));
  return gridTimes().map((at) => {
    const value = found.get(Math.round(at));
    return value === undefined || Number.isNaN(value) ? null : value;
  });
}

async function timeSeries(panel) {
  const answers = await Promise.all(panel.targets.map((target) => overTime(target.expr)));
  return answers.flatMap((answer, at) => answer.map((series) => ({
    name: named(panel.targets[at].legendFormat, series.metric), values: onGrid(series.values) })));
}

async function drawLines(panel, body) {
  const series = await timeSeries(panel);
  const { unit, min, max, thresholds, noValue } = panel.fieldConfig.defaults;
  if (!series.length) return void element("div", body, "empty", noValue ?? "No data");
  const custom = panel.fieldConfig.defaults.custom ?? {};
  const stacked = custom.stacking?.mode === "normal";
  const drawn = stacked ? piled(series) : series;
  const limit = custom.thresholdsStyle?.mode === "dashed" ? thresholds.steps.at(-1).value : null;
  const legend = element("div", body, "legend");
  series.forEach(({ name }, at) => {
    const entry = element("span", legend);
    element("i", entry).style.background = PALETTE[at % PALETTE.length];
    entry.append(name);
  });
  const order = stacked ? drawn.map((_each, at) => drawn.length - 1 - at) : drawn.map((_each, at) => at);
  const axis = { stroke: "#8e8fa0", grid: { stroke: "#24272d", width: 1 }, ticks: { show: false },
    font: "10.5px Inter, DejaVu Sans, sans-serif" };
  const highest = Math.max(...drawn.flatMap(({ values }) => values.map((value) => value ?? 0)), limit ?? 0);
  new uPlot({
    width: body.clientWidth, height: body.clientHeight - 36, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: true }, y: { range: [min ?? 0, max ?? (highest * 1.08 || 1)] } },
    axes: [{ ...axis, size: 26, space: 70, values: (_plot, times) => times.map(clock) },
      { ...axis, size: 62, ...steps(unit), values: (_plot, values) => values.map((value) => shown(value, unit)) }],
    series: [{}, ...order.map((at) => ({
      stroke: PALETTE[at % PALETTE.length], width: 1.3, spanGaps: false, points: { show: false },
      fill: PALETTE[at % PALETTE.length] + (stacked ? "55" : "14") }))],
    hooks: { draw: [(plot) => limit !== null && limitLine(plot, limit)] },
  }, [gridTimes(), ...order.map((at) => drawn[at].values)], body);
}

/* Of an axis in bytes, so that its marks are whole. */
function steps(unit) {
  return unit === "bytes" ? { incrs: Array.from({ length: 40 }, (_each, power) => 2 ** power) } : {};
}

function piled(series) {
  const ground = gridTimes().map(() => 0);
  return series.map(({ name, values }) => ({
    name, values: values.map((value, at) => (ground[at] += value ?? 0)) }));
}

function limitLine(plot, limit) {
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit, "y", true);
  ctx.save();
  ctx.strokeStyle = NAMED.red;
  ctx.setLineDash([10, 8]);
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

function clock(seconds) {
  return new Date(1000 * seconds).toTimeString().slice(0, 8).replace(/:00$/, "");
}

async function drawNumber(panel, body) {
  const [series] = await timeSeries(panel);
  const value = series?.values.findLast((each) => each !== null);
  const { unit, decimals, color } = panel.fieldConfig.defaults;
  const colour = color ? NAMED[color.fixedColor] : levelOf(panel, value ?? 0);
  element("div", body, "number", shown(value, unit, decimals)).style.color = colour;
  if (series === undefined) return;
  const canvas = element("canvas", body);
  canvas.width = 2 * body.clientWidth;
  canvas.height = 2 * 34;
  canvas.style.width = `${body.clientWidth}px`;
  spark(canvas, series.values, colour);
}

function spark(canvas, values, colour) {
  const context = canvas.getContext("2d");
  const highest = Math.max(...values.map((value) => value ?? 0)) || 1;
  context.beginPath();
  context.moveTo(0, canvas.height);
  values.forEach((value, at) => context.lineTo(
    at / (values.length - 1) * canvas.width, canvas.height * (1 - 0.9 * (value ?? 0) / highest)));
  context.lineTo(canvas.width, canvas.height);
  context.fillStyle = colour;
  context.fill();
}

async function drawGauges(panel, body) {
  const series = await timeSeries(panel);
  if (!series.length) return void element("div", body, "empty", "No data");
  for (const { name, values } of series.slice(0, 8)) {
    const value = values.findLast((each) => each !== null);
    element("div", body, "name", name);
    const gauge = element("div", body, "gauge");
    const bar = element("b", gauge);
    bar.style.width = `${Math.min(100, 100 * value)}%`;
    bar.style.background = levelOf(panel, value);
    element("span", gauge, "", shown(value, panel.fieldConfig.defaults.unit)).style.color = "#fff";
  }
}

async function drawHeat(panel, body) {
  const buckets = (await overTime(panel.targets[0].expr))
    .sort((one, other) => bound(one) - bound(other)).map((each) => ({ le: each.metric.le, values: onGrid(each.values) }));
  if (!buckets.length) return void element("div", body, "empty", "No data");
  const cells = buckets.map(({ values }, at) => values.map((value, time) =>
    Math.max(0, (value ?? 0) - (at ? buckets[at - 1].values[time] ?? 0 : 0))));
  const canvas = element("canvas", body);
  const [width, height, left, below] = [body.clientWidth, body.clientHeight, 62, 22];
  Object.assign(canvas, { width: 2 * width, height: 2 * height });
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  context.font = "10.5px Inter, DejaVu Sans, sans-serif";
  const most = Math.max(...cells.flat()) || 1;
  const [wide, high] = [(width - left) / gridTimes().length, (height - below) / cells.length];
  cells.forEach((row, at) => row.forEach((count, time) => {
    context.fillStyle = count ? `hsl(${28 - 20 * count / most} 90% ${25 + 40 * count / most}%)` : "#1b1e23";
    context.fillRect(left + time * wide, height - below - (at + 1) * high, wide - 0.5, high - 1);
  }));
  context.fillStyle = "#8e8fa0";
  buckets.forEach(({ le }, at) => at % 2 === 0 &&
    context.fillText(le === "+Inf" ? "more" : shown(Number(le), "s"), 8, height - below - at * high - 3));
  gridTimes().forEach((time, at, all) => at % Math.ceil(all.length / 6) === 0 &&
    context.fillText(clock(time), left + at * wide, height - 6));
}

const bound = (series) => series.metric.le === "+Inf" ? Infinity : Number(series.metric.le);

async function drawRows(panel, body) {
  const answers = await Promise.all(panel.targets.map((target) => atTheEnd(target.expr)));
  const organize = panel.transformations.find(({ id }) => id === "organize").options;
  const columns = Object.keys(organize.indexByName).filter((name) => !/^Value/.test(name));
  const rows = new Map();
  answers.forEach((answer, at) => answer.forEach(({ metric, value }) => {
    const key = columns.map((name) => metric[name] ?? "").join("\n");
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key)[at] = Number(value[1]);
  }));
  const table = element("table", body);
  const head = element("tr", table);
  columns.forEach((name) => element("th", head, "", name));
  panel.targets.forEach(({ refId }) => element("th", head, "", organize.renameByName[`Value #${refId}`]));
  const [order] = panel.options.sortBy ?? [];
  const sorted = [...rows];
  const column = panel.targets.findIndex(({ refId }) => organize.renameByName[`Value #${refId}`] === order?.displayName);
  if (column >= 0) sorted.sort(([, one], [, other]) => (other[column] - one[column]) * (order.desc ? 1 : -1));
  for (const [key, values] of sorted.slice(0, 12)) {
    const row = element("tr", table);
    key.split("\n").forEach((text) => element("td", row, "", text));
    panel.targets.forEach((_target, at) =>
      element("td", row, "", shown(values[at], panel.fieldConfig.defaults.unit)));
  }
}

/* A bar chart of two queries that are joined by a label: the first is where bars begin. */
async function drawWaterfall(panel, body) {
  const { byField } = panel.transformations.find(({ id }) => id === "joinByField").options;
  const [begins, lasts] = (await Promise.all(panel.targets.map((target) => atTheEnd(target.expr))))
    .map((answer) => new Map(answer.map(({ metric, value }) => [metric[byField], Number(value[1])])));
  if (!lasts.size) return void element("div", body, "empty", "No data");
  const whole = Math.max(...[...lasts].map(([name, value]) => value + begins.get(name)));
  const chart = element("div", body, "fall");
  [...lasts.keys()].sort().forEach((name, at) => {
    element("div", chart, "label", name);
    const bar = element("div", chart, "bar");
    const fill = element("b", bar);
    const [left, width] = [88 * begins.get(name) / whole, 88 * lasts.get(name) / whole];
    fill.style.cssText = `left:${left}%;width:${width}%;background:${PALETTE[at % PALETTE.length]}`;
    element("span", bar, "", shown(lasts.get(name), panel.fieldConfig.defaults.unit)).style.left = `${left + width}%`;
  });
}

const DRAWN = { timeseries: drawLines, stat: drawNumber, bargauge: drawGauges, heatmap: drawHeat,
  table: drawRows, barchart: drawWaterfall };

/* Resolves when all is drawn, to the titles of panels that had nothing to show. */
async function draw(board, given) {
  options = given;
  const header = document.querySelector("header");
  header.textContent = board.title;
  element("small", header, "", board.description);
  const place = document.querySelector("#board");
  const unit = (document.body.clientWidth - 16) / 24;
  const shownPanels = [];
  for (const panel of board.panels) {
    const { x, y, w, h } = panel.gridPos;
    const box = element("div", place, panel.type === "row" ? "row" : "panel");
    box.style.cssText = `left:${x * unit}px;top:${y * CELL}px;width:${w * unit - GAP}px;height:${h * CELL - GAP}px`;
    if (panel.type === "row") {
      box.textContent = (panel.collapsed ? "› " : "⌄ ") + panel.title;
      box.classList.toggle("folded", panel.collapsed);
      continue;
    }
    element("h2", box, "", panel.title);
    shownPanels.push([panel, element("div", box, "body")]);
  }
  const ends = board.panels.map(({ gridPos: { y, h } }) => y + h);
  place.style.height = `${Math.max(...ends) * CELL}px`;
  await Promise.all(shownPanels.map(([panel, body]) => DRAWN[panel.type](panel, body)));
  return shownPanels.filter(([, body]) => body.querySelector(".empty")).map(([panel]) => panel.title);
}
