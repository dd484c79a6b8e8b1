// Grafana's field configuration, overrides and transformations, without Grafana around them.
import {
  applyFieldOverrides, dataLinksOverrideProcessor, displayNameOverrideProcessor, FieldConfigOptionsRegistry, FieldType,
  identityOverrideProcessor, standardTransformers, standardTransformersRegistry, thresholdsOverrideProcessor,
  transformDataFrame, valueMappingsOverrideProcessor,
} from "@grafana/data";
import { lastValueFrom } from "rxjs";

standardTransformersRegistry.setInit(() =>
  // Some stand there under two names.
  [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((transformation) => ({
    id: transformation.id, name: transformation.name, transformation, editor: () => null, aliasIds: [],
  })),
);

const PROCESSORS = {
  displayName: displayNameOverrideProcessor, mappings: valueMappingsOverrideProcessor,
  thresholds: thresholdsOverrideProcessor, links: dataLinksOverrideProcessor,
};
const STANDARD = ["displayName", "unit", "decimals", "min", "max", "noValue", "mappings", "thresholds", "links", "color"];
const CUSTOM = [
  "align", "cellOptions", "width", "minWidth", "hidden", "inspect", "filterable", "drawStyle", "lineWidth", "fillOpacity", "gradientMode",
  "showPoints", "pointSize", "spanNulls", "lineInterpolation", "stacking", "axisPlacement", "axisLabel", "axisGridShow",
  "thresholdsStyle", "barAlignment", "barWidthFactor", "scaleDistribution", "hideFrom", "axisColorMode", "axisBorderShow", "lineStyle",
  "insertNulls", "axisCenteredZero", "axisSoftMin", "axisSoftMax",
];

const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((id) => ({ id, path: id, name: id, isCustom: false, process: PROCESSORS[id] ?? identityOverrideProcessor, shouldApply: () => true, settings: {} })),
  ...CUSTOM.map((id) => ({ id: `custom.${id}`, path: id, name: id, isCustom: true, process: identityOverrideProcessor, shouldApply: () => true, settings: {} })),
]);

/** What Grafana fills in where a time series says nothing. */
const SERIES = {
  drawStyle: "line", lineInterpolation: "linear", lineWidth: 1, fillOpacity: 0, gradientMode: "none", pointSize: 5, showPoints: "auto",
  spanNulls: false, insertNulls: false, axisPlacement: "auto", axisColorMode: "text", axisBorderShow: false, barAlignment: 0, barWidthFactor: 0.6,
  stacking: { mode: "none", group: "A" }, scaleDistribution: { type: "linear" }, thresholdsStyle: { mode: "off" },
  hideFrom: { tooltip: false, viz: false, legend: false },
};

export async function transform(panel, frames) {
  if (!panel.transformations?.length) return frames;
  return lastValueFrom(transformDataFrame(panel.transformations, frames, { interpolate: (text) => text }));
}

/** A step without a sample is a gap in a line, as Grafana's panel makes it before it joins the series. */
function gapped(frame) {
  const time = frame.fields.find((field) => field.type === FieldType.time);
  const step = time?.config.interval;
  if (!step) return frame;
  const taken = time.values.flatMap((at, i) => (i > 0 && at - time.values[i - 1] > 1.5 * step ? [-1, i] : [i]));
  const value = (field, from, n) => (from >= 0 ? field.values[from] : field === time ? time.values[taken[n - 1]] + step : null);
  return { ...frame, length: taken.length, fields: frame.fields.map((field) => ({ ...field, values: taken.map((from, n) => value(field, from, n)) })) };
}

export function configure(panel, frames, theme) {
  const defaults = panel.fieldConfig?.defaults ?? {};
  const custom = panel.type === "timeseries" ? { ...SERIES, ...defaults.custom } : defaults.custom;
  // What is not a number is a gap in a line.
  const finite = (field) => ({ ...field, values: field.values.map((value) => (Number.isFinite(value) ? value : null)) });
  const data = panel.type === "timeseries"
    ? frames.map((frame) => gapped({ ...frame, fields: frame.fields.map((field) => (field.type === FieldType.number ? finite(field) : field)) }))
    : frames;
  return applyFieldOverrides({
    data, fieldConfig: { defaults: { ...defaults, custom }, overrides: panel.fieldConfig?.overrides ?? [] },
    fieldConfigRegistry: registry, replaceVariables: (text) => text, theme, timeZone: "utc",
  });
}
