// Lays a dashboard out on Grafana's grid and says when it is drawn (window.drawn).
import "@fontsource/inter/400.css";
import "@fontsource/inter/500.css";
import { createTheme, ThemeContext } from "@grafana/data";
import { GlobalStyles, PanelChrome } from "@grafana/ui";
import { Component } from "react";
import { createRoot } from "react-dom/client";
import { configure, transform } from "./fields.js";
import { Body, hasData } from "./panels.jsx";
import { load, regions } from "./prometheus.js";

const CELL = 30;
const GAP = 8;
const HEAD = 56;

const { settings } = window;
const theme = createTheme({ colors: { mode: settings.theme } });
const width = Number(settings.width) - 2 * GAP;
const errors = [];

function place({ x, y, w, h }) {
  const column = (width + GAP) / 24;
  return { left: GAP + x * column, top: HEAD + y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP };
}

class Guard extends Component {
  state = { error: null };
  static getDerivedStateFromError(error) {
    return { error };
  }
  componentDidCatch(error) {
    errors.push(`${this.props.title}: ${error.stack ?? error}`);
  }
  render() {
    return this.state.error ? <div style={{ color: "red" }}>{String(this.state.error)}</div> : this.props.children;
  }
}

function Panel({ panel, data, marks }) {
  const box = place(panel.gridPos);
  const style = { position: "absolute", ...box };
  if (panel.type === "row") return <div style={{ ...style, color: theme.colors.text.primary, fontSize: 16, fontWeight: 500, paddingTop: 4 }}>⌄ {panel.title}</div>;
  return (
    <div style={style}>
      <PanelChrome title={panel.title} width={box.width} height={box.height}>
        {(innerWidth, innerHeight) => (
          <Guard title={panel.title}>
            <Body panel={panel} {...data} width={innerWidth} height={innerHeight} settings={settings} theme={theme} regions={marks} />
          </Guard>
        )}
      </PanelChrome>
    </div>
  );
}

function Head() {
  const { dashboard, variables } = settings;
  const shown = (dashboard.templating?.list ?? []).map(({ name, label, type, query }) => `${label}: ${variables[name] ?? { datasource: "Prometheus", textbox: query }[type] ?? "All"}`);
  return (
    <div style={{ position: "absolute", left: 2 * GAP, top: 8, right: 2 * GAP, color: theme.colors.text.primary }}>
      <span style={{ fontSize: 18, fontWeight: 500 }}>{dashboard.title}</span>
      <span style={{ float: "right", fontSize: 12, paddingTop: 6 }}>{(dashboard.links ?? []).map(({ title }) => title).join("   ·   ")}</span>
      <div style={{ fontSize: 12, color: theme.colors.text.secondary }}>{shown.join("    ")}</div>
    </div>
  );
}

async function draw() {
  document.body.style.background = theme.colors.background.canvas;
  // A collapsed row is shown open: its panels are placed as if it were.
  const panels = settings.dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  const marks = await regions(settings);
  const empty = [];
  const loaded = await Promise.all(panels.map(async (panel) => {
    if (panel.type === "row") return {};
    const data = await load(panel, settings, place(panel.gridPos).width);
    const frames = configure(panel, await transform(panel, data.frames), theme);
    if (!hasData({ panel, frames, heatmap: data.heatmap })) empty.push(panel.title);
    return { ...data, frames };
  }));
  await document.fonts.ready;
  const height = Math.max(...panels.map(({ gridPos }) => { const box = place(gridPos); return box.top + box.height; })) + GAP;
  createRoot(document.getElementById("root")).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Head />
      {panels.map((panel, i) => <Panel key={panel.id} panel={panel} data={loaded[i]} marks={marks} />)}
    </ThemeContext.Provider>,
  );
  await new Promise((done) => setTimeout(done, 1500));
  window.drawn = { height: Math.ceil(height), empty, errors };
}

draw().catch((error) => { window.failed = String(error.stack ?? error); });
