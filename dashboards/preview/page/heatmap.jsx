// A heatmap of buckets, with exemplars as points.
import { formattedValueToString, getValueFormat } from "@grafana/data";
import { TimeAxis } from "./axis.jsx";

/** Oranges, from the background on: light to dark on white, dark to light on black. */
function shade(part, dark) {
  const [low, high] = dark ? [[60, 30, 10], [253, 190, 133]] : [[254, 237, 222], [166, 54, 3]];
  return `rgb(${low.map((from, i) => Math.round(from + (high[i] - from) * part)).join(",")})`;
}

export function Heatmap({ panel, heatmap, exemplars, width, height, settings, theme }) {
  const { times, seconds, bounds, rows } = heatmap;
  const most = Math.max(1e-9, ...rows.flat().filter((value) => value !== null));
  const unit = getValueFormat(panel.options.yAxis?.unit ?? "short");
  const left = 56;
  const bottom = 20;
  const head = 8;
  const high = (height - bottom - head) / bounds.length;
  const x = (at) => left + ((at - settings.from) / (settings.to - settings.from)) * (width - left - 8);
  const y = (i) => height - bottom - (i + 1) * high;
  const rowOf = (value) => bounds.findIndex((bound) => value <= (bound === "+Inf" ? Infinity : Number(bound)));
  return (
    <svg width={width} height={height} style={{ display: "block" }}>
      {rows.map((row, i) => row.map((value, t) => value > 0 && times[t] - seconds >= settings.from && (
        <rect key={`${i}-${t}`} x={x(times[t] - seconds)} y={y(i) + 0.5} width={Math.max(x(times[t]) - x(times[t] - seconds) - 1, 1)} height={high - 1} fill={shade(value / most, theme.isDark)} />
      )))}
      {bounds.map((bound, i) => (
        <text key={bound} x={left - 6} y={y(i) + 4} textAnchor="end" fontSize="12" fill={theme.colors.text.primary}>
          {bound === "+Inf" ? "+Inf" : formattedValueToString(unit(Number(bound)))}
        </text>
      ))}
      {exemplars.map(({ at, value }, n) => rowOf(value) >= 0 && (
        <rect key={n} x={x(at) - 2.5} y={y(rowOf(value)) + high / 2 - 2.5} width="5" height="5" transform={`rotate(45 ${x(at)} ${y(rowOf(value)) + high / 2})`} fill={panel.options.exemplars?.color ?? "magenta"} />
      ))}
      <TimeAxis from={settings.from} to={settings.to} left={left} width={width - left - 8} top={height - bottom + 4} theme={theme} />
    </svg>
  );
}
