// From a panel's targets to data frames, as Grafana's Prometheus data source makes them.
import { FieldType } from "@grafana/data";

async function ask(path, parameters) {
  const answer = await (await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
  if (answer.status !== "success") throw new Error(`${answer.error}: ${parameters.query}`);
  return answer.data;
}

/** The step of a panel as wide as `points` pixels: never below the scrape interval. */
export function step({ from, to, scrape }, points) {
  const wanted = (to - from) / Math.max(points, 1);
  const nice = [1, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  return Math.max(scrape, nice.find((one) => one >= wanted) ?? 86400);
}

/** Variables and Grafana's own words in a query. */
export function expand(text, settings, seconds) {
  const own = {
    __rate_interval: `${Math.max(seconds + settings.scrape, 4 * settings.scrape)}s`,
    __interval: `${seconds}s`,
    __range: `${Math.round(settings.to - settings.from)}s`,
    __range_s: `${Math.round(settings.to - settings.from)}`,
  };
  const all = Object.fromEntries((settings.dashboard.templating?.list ?? []).map((one) => [one.name, one.allValue ?? ".*"]));
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, bare) => {
    const name = braced ?? bare;
    return own[name] ?? settings.variables[name] ?? all[name] ?? whole;
  });
}

const number = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

function legend(format, labels) {
  if (format && format !== "__auto") return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}="${value}"`).join(", ");
  return pairs ? `${name}{${pairs}}` : name || "Value";
}

function seriesFrame(refId, title, labels, points, seconds) {
  return {
    refId, name: title, length: points.length, meta: { custom: {} },
    fields: [
      { name: "Time", type: FieldType.time, config: { interval: seconds * 1000 }, values: points.map(([at]) => at * 1000) },
      { name: "Value", type: FieldType.number, labels, config: { displayNameFromDS: title }, values: points.map(([, value]) => number(value)) },
    ],
  };
}

function tableFrame(refId, result, valueName) {
  if (result.length === 0) return null;
  const names = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return {
    refId, length: result.length,
    fields: [
      { name: "Time", type: FieldType.time, config: {}, values: result.map(({ value }) => value[0] * 1000) },
      ...names.map((name) => ({ name, type: FieldType.string, config: { filterable: true }, values: result.map(({ metric }) => metric[name] ?? "") })),
      { name: valueName, type: FieldType.number, config: {}, values: result.map(({ value }) => number(value[1])) },
    ],
  };
}

/** Cumulative buckets made counts of their own, the smallest bound first. */
function heatmapRows(result, seconds, settings) {
  const sorted = [...result].sort((a, b) => number(a.metric.le) - number(b.metric.le));
  const times = [];
  const first = Math.ceil(settings.from / seconds) * seconds;
  for (let at = first; at <= settings.to; at += seconds) times.push(at);
  const grids = sorted.map(({ values }) => {
    const known = new Map(values.map(([at, value]) => [at, number(value)]));
    return times.map((at) => known.get(at) ?? null);
  });
  return {
    times, seconds, bounds: sorted.map(({ metric }) => metric.le),
    rows: grids.map((row, i) => row.map((value, t) => (value === null ? null : Math.max(0, i ? value - (grids[i - 1][t] ?? 0) : value)))),
  };
}

/** Everything that one panel shows: {frames, heatmap, exemplars}. */
export async function load(panel, settings, points) {
  const frames = [];
  let heatmap = null;
  let exemplars = [];
  const least = Number.parseInt(panel.interval ?? "0", 10) * (panel.interval?.endsWith("m") ? 60 : 1);
  const seconds = Math.max(step(settings, panel.maxDataPoints ?? points), least);
  // Aligned to the step, as Grafana does.
  const start = Math.floor(settings.from / seconds) * seconds;
  const end = Math.floor(settings.to / seconds) * seconds;
  for (const target of panel.targets ?? []) {
    const query = expand(target.expr, settings, seconds);
    if (target.instant) {
      const { result } = await ask("query", { query, time: settings.to });
      if (target.format === "table") {
        const frame = tableFrame(target.refId, result, panel.targets.length > 1 ? `Value #${target.refId}` : "Value");
        if (frame) frames.push(frame);
      } else {
        frames.push(...result.map(({ metric, value }) => seriesFrame(target.refId, legend(target.legendFormat, metric), metric, [value], seconds)));
      }
      continue;
    }
    const { result } = await ask("query_range", { query, start, end, step: seconds });
    if (target.format === "heatmap") heatmap = heatmapRows(result, seconds, settings);
    else frames.push(...result.map(({ metric, values }) => seriesFrame(target.refId, legend(target.legendFormat, metric), metric, values, seconds)));
    if (target.exemplar) {
      const found = await ask("query_exemplars", { query, start: settings.from, end: settings.to });
      exemplars = found.flatMap((series) => series.exemplars.map((one) => ({ at: one.timestamp, value: Number(one.value), labels: one.labels })));
    }
  }
  return { frames, heatmap, exemplars };
}

/** The times at which an annotation's query had samples, as regions [from, to] in milliseconds. */
export async function regions(settings) {
  const found = [];
  for (const one of settings.dashboard.annotations?.list ?? []) {
    if (!one.expr || !one.enable) continue;
    const seconds = Number.parseInt(one.step ?? "60", 10);
    const query = expand(one.expr, settings, seconds);
    const { result } = await ask("query_range", { query, start: settings.from, end: settings.to, step: seconds });
    for (const { values } of result) {
      let open = null;
      for (const [at] of values) {
        if (open && at - open[1] <= seconds * 1.01) open[1] = at;
        else found.push((open = [at, at]));
      }
    }
  }
  return found.map(([from, to]) => [from * 1000, to * 1000]);
}
