/**
 * Draws every [data-chart] from its JSON block (see reports/_stat_table.html), in the page's colours.
 * Tooltips are drawn on the canvas: HTML ones would need inline styles, which the CSP forbids.
 */
/** Which of these a series has says app/kernel/reports/charts.py; no two of a chart have the same. */
const LIGHT = ["#1a4f9c", "#d98300", "#2c8a58", "#b3261e", "#6b7f99", "#7a5aa6", "#0f8b8d", "#8a5a2b"];
const DARK = ["#8db8ff", "#f2bd6d", "#7fd6a5", "#ff9c93", "#a3afbe", "#c5a8f0", "#6fd3d5", "#d9b38c"];

function colours() {
  const style = getComputedStyle(document.documentElement);
  const dark = document.documentElement.dataset.bsTheme === "dark";
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    palette: dark ? DARK : LIGHT, ink: get("--ink"), muted: get("--muted"), line: get("--line"), card: get("--card"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** Parts of a whole: on a narrow screen the numbers stand in the legend, where there is room. */
function share(data, c, narrow) {
  const parts = data.series.map((one) => ({ name: one.name, value: one.values[0], itemStyle: { color: c.palette[one.colour] } }));
  const text = (name) => {
    const one = data.series.find((series) => series.name === name);
    return `${name} ${one.values[0]} (${one.share})`;
  };
  return {
    legend: { ...legend(data, c), type: "plain", ...(narrow ? { formatter: text, left: "center", width: "100%" } : {}) },
    series: [{
      type: "pie", radius: narrow ? ["34%", "56%"] : ["46%", "70%"], center: ["50%", narrow ? "66%" : "55%"],
      label: { show: !narrow, color: c.ink, formatter: ({ name }) => text(name) }, labelLine: { show: !narrow },
      itemStyle: { borderColor: c.card, borderWidth: 2 }, data: parts.filter((part) => part.value),
    }],
  };
}

function legend(data, c) {
  return { show: data.series.length > 1, top: 0, type: "scroll", icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: { color: c.ink } };
}

function axes(data, c, narrow) {
  const many = data.labels.length > (narrow ? 5 : 14);
  return {
    grid: { left: 8, right: 12, top: data.series.length > 1 ? 40 : 24, bottom: 4, containLabel: true },
    xAxis: {
      type: "category", data: data.labels, axisTick: { show: false }, axisLine: { lineStyle: { color: c.line } },
      axisLabel: { color: c.muted, interval: data.kind === "line" ? "auto" : 0, rotate: many && data.kind !== "line" ? 45 : 0, fontSize: 12, width: 96, overflow: "truncate" },
    },
    yAxis: {
      type: "value", name: data.series.length > 1 ? "" : data.unit ?? "", nameTextStyle: { color: c.muted, align: "left" }, minInterval: 1,
      splitLine: { lineStyle: { color: c.line } }, axisLabel: { color: c.muted },
    },
    series: data.series.map((one) => ({
      name: one.name, type: data.kind === "line" ? "line" : "bar", data: one.values,
      stack: data.kind === "stacked" ? "all" : undefined, barMaxWidth: 34, smooth: false, symbolSize: 5,
      itemStyle: { color: c.palette[one.colour], borderRadius: data.kind === "bars" ? [3, 3, 0, 0] : 0 },
    })),
  };
}

function option(data, c, width) {
  return {
    textStyle: { fontFamily: c.font, color: c.ink }, aria: { enabled: false }, animation: false,
    tooltip: {
      trigger: data.kind === "share" ? "item" : "axis", renderMode: "richText", confine: true,
      backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontSize: 13 },
      axisPointer: { type: "shadow" },
    },
    legend: legend(data, c),
    ...(data.kind === "share" ? share(data, c, width < 520) : axes(data, c, width < 520)),
  };
}

/** A click anywhere above a division opens its page, however low its bar is. */
function leadOn(chart, urls) {
  const at = ({ offsetX, offsetY }) => {
    const point = [offsetX, offsetY];
    return chart.containPixel("grid", point) ? urls[chart.convertFromPixel({ seriesIndex: 0 }, point)[0]] : null;
  };
  chart.getZr().on("click", (event) => { const url = at(event); if (url) location.assign(url); });
  chart.getZr().on("mousemove", (event) => chart.getZr().setCursorStyle(at(event) ? "pointer" : "default"));
}

const drawn = [];
for (const box of document.querySelectorAll("[data-chart]")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const chart = window.echarts.init(box, null, { renderer: "canvas" });
  const draw = () => chart.setOption(option(data, colours(), box.clientWidth), true);
  draw();
  if (data.urls && data.kind !== "share") leadOn(chart, data.urls);
  new ResizeObserver(() => { chart.resize(); draw(); }).observe(box);
  drawn.push(draw);
}
document.addEventListener("anju:theme", () => { for (const draw of drawn) draw(); });
