// One component for each type of panel that the dashboards use.
import { FieldType, getDisplayValueAlignmentFactors, getFieldDisplayValues } from "@grafana/data";
import { BarGauge, BigValue, Table, TimeSeries, VizRepeater } from "@grafana/ui";
import { Heatmap } from "./heatmap.jsx";
import { StateTimeline } from "./timeline.jsx";

const verbatim = (text) => text;

function displayed({ panel, frames, theme }) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: verbatim,
    theme, data: frames, timeZone: "utc", sparkline: panel.options.graphMode === "area",
  });
}

function Stat(props) {
  const { panel, width, height, theme } = props;
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayed(props)} width={width} height={height} source={props.frames} itemSpacing={3} renderCounter={0}
      autoGrid orientation={options.orientation}
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      renderValue={({ value, width: w, height: h, alignmentFactors, count }) => (
        <BigValue
          value={value.display} width={w} height={h} theme={theme} colorMode={options.colorMode} graphMode={options.graphMode}
          justifyMode={options.justifyMode} textMode={options.textMode} alignmentFactors={alignmentFactors} count={count}
          wideLayout={options.wideLayout ?? true} text={options.text} sparkline={value.sparkline}
        />
      )}
    />
  );
}

function Bars(props) {
  const { panel, width, height, theme } = props;
  const { options } = panel;
  return (
    <VizRepeater
      getValues={() => displayed(props)} width={width} height={height} source={props.frames} itemSpacing={10} renderCounter={0}
      orientation={options.orientation} minVizHeight={16} maxVizHeight={options.maxVizHeight ?? 300}
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      renderValue={({ value, width: w, height: h, alignmentFactors, orientation }) => (
        <BarGauge
          value={value.display} width={w} height={h} theme={theme} orientation={orientation} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          itemSpacing={10} displayMode={options.displayMode} showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode ?? "color"}
          namePlacement={options.namePlacement ?? "auto"} alignmentFactors={alignmentFactors} text={options.text}
        />
      )}
    />
  );
}

function Lines({ panel, frames, width, height, settings, regions }) {
  const { options } = panel;
  const timeRange = {
    from: { valueOf: () => settings.from * 1000 }, to: { valueOf: () => settings.to * 1000 }, raw: { from: "now-6h", to: "now" },
  };
  return (
    <TimeSeries
      frames={frames} structureRev={1} timeRange={timeRange} timeZone={["utc"]} width={width} height={height} legend={options.legend} options={options} replaceVariables={verbatim}
    >
      {(config) => {
        config.addHook("draw", (u) => {
          const { ctx } = u;
          ctx.save();
          for (const [from, to] of regions) {
            const [left, right] = [u.valToPos(from, "x", true), u.valToPos(to, "x", true)];
            ctx.fillStyle = "rgba(242, 73, 92, 0.1)";
            ctx.fillRect(left, u.bbox.top, Math.max(right - left, 1), u.bbox.height);
            ctx.fillStyle = "rgba(242, 73, 92, 0.9)";
            ctx.fillRect(left, u.bbox.top + u.bbox.height, Math.max(right - left, 3), 4);
          }
          ctx.restore();
        });
        return null;
      }}
    </TimeSeries>
  );
}

function Rows({ panel, frames, width, height }) {
  return (
    <Table
      data={frames[0]} width={width} height={height} noHeader={!panel.options.showHeader} cellHeight={panel.options.cellHeight}
      initialSortBy={panel.options.sortBy} showTypeIcons={false} resizable={false} fieldConfig={panel.fieldConfig}
    />
  );
}

function Nothing({ panel, width, height, theme }) {
  return (
    <div style={{ width, height, display: "flex", alignItems: "center", justifyContent: "center", color: theme.colors.text.secondary, fontSize: 18 }}>
      {panel.fieldConfig?.defaults?.noValue ?? "No data"}
    </div>
  );
}

const KINDS = { stat: Stat, bargauge: Bars, timeseries: Lines, table: Rows, "state-timeline": StateTimeline };

export function hasData({ panel, frames, heatmap }) {
  if (panel.type === "heatmap") return heatmap?.bounds.length > 0;
  return frames.some((frame) => frame.length > 0 && frame.fields.some((field) => field.type !== FieldType.time));
}

export function Body(props) {
  if (props.panel.type === "heatmap") return hasData(props) ? <Heatmap {...props} /> : <Nothing {...props} />;
  const Kind = KINDS[props.panel.type];
  if (!Kind) throw new Error(`panels of type ${props.panel.type} cannot be drawn`);
  // A stat says itself that there is nothing.
  return props.panel.type === "stat" || hasData(props) ? <Kind {...props} /> : <Nothing {...props} />;
}
