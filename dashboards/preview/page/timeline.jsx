// A state timeline: one row for each series, equal neighbours merged, gaps left open.
import { FieldType, getFieldDisplayName } from "@grafana/data";
import { TimeAxis } from "./axis.jsx";

/** [{from, to, value}], in seconds. */
function segments(times, values, seconds, end) {
  const found = [];
  times.forEach((at, i) => {
    const from = at / 1000;
    const to = Math.min(from + seconds, end);
    const last = found.at(-1);
    if (last && last.value === values[i] && from - last.to < 0.5) last.to = to;
    else found.push({ from, to, value: values[i] });
  });
  return found;
}

export function StateTimeline({ panel, frames, width, height, settings, theme }) {
  const rows = frames.map((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    const field = frame.fields.find((one) => one.type !== FieldType.time);
    return { name: getFieldDisplayName(field, frame, frames), field, parts: segments(time.values, field.values, time.config.interval / 1000, settings.to) };
  });
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const left = Math.min(longest * 6.7 + 12, width * 0.3);
  const bottom = 20;
  const row = (height - bottom) / rows.length;
  const bar = row * (panel.options.rowHeight ?? 0.9);
  const x = (at) => left + ((Math.max(at, settings.from) - settings.from) / (settings.to - settings.from)) * (width - left - 8);
  const opacity = (panel.fieldConfig.defaults.custom?.fillOpacity ?? 70) / 100;
  // Grafana leaves names out that would overlap.
  const every = Math.max(1, Math.ceil(13 / row));
  return (
    <svg width={width} height={height} style={{ display: "block" }}>
      {rows.map(({ name, field, parts }, i) => (
        <g key={i}>
          {i % every === 0 && (
            <text x={left - 8} y={i * row + row / 2 + 4} textAnchor="end" fontSize="12" fill={theme.colors.text.primary}>{name.trim()}</text>
          )}
          {parts.map((part, n) => (
            <rect key={n} x={x(part.from)} y={i * row + (row - bar) / 2} width={Math.max(x(part.to) - x(part.from), 1)} height={bar} fill={field.display(part.value).color} fillOpacity={opacity} />
          ))}
        </g>
      ))}
      <TimeAxis from={settings.from} to={settings.to} left={left} width={width - left - 8} top={height - bottom + 4} theme={theme} />
    </svg>
  );
}
