// A time axis for the panels that are drawn here.
const STEPS = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

export function TimeAxis({ from, to, left, width, top, theme }) {
  const every = STEPS.find((one) => ((to - from) / one) * 70 < width) ?? 86400;
  const ticks = [];
  for (let at = Math.ceil(from / every) * every; at <= to; at += every) ticks.push(at);
  const label = (at) => new Date(at * 1000).toISOString().slice(11, every < 60 ? 19 : 16);
  return ticks.map((at) => (
    <text key={at} x={left + ((at - from) / (to - from)) * width} y={top + 12} textAnchor="middle" fontSize="12" fill={theme.colors.text.primary}>
      {label(at)}
    </text>
  ));
}
