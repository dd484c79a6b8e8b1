#!/usr/bin/env node
// Draws dashboards as PNG files: `node preview.mjs --help`.
//
// Everything that Grafana publishes as a library is Grafana's own: themes, units,
// thresholds, mappings, transformations, overrides, and the panels stat, bar
// gauge, table and time series (@grafana/data, @grafana/ui). State timelines and
// heatmaps, which it does not publish, and the frame around all are drawn by
// page/. So a picture tells what reads well; it is not Grafana's to the pixel.
import { createServer } from "node:http";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import puppeteer from "puppeteer-core";

const HELP = `usage: node preview.mjs [flags] DASHBOARD.json...
  --prometheus URL      where to ask                        [http://127.0.0.1:9090]
  --out FOLDER          where the pictures go               [preview]
  --theme light|dark    one theme only                      [both]
  --var NAME=VALUE      a variable; may be repeated         [all values]
  --to SECONDS          the end of the time shown, Unix     [now]
  --range SECONDS       how much is shown                   [the dashboard's own]
  --width PIXELS        width of the screen                 [1600]
  --scrape SECONDS      the data source's scrape interval   [15]
  --chromium FILE       the browser                         [/usr/bin/chromium]`;

const here = path.dirname(fileURLToPath(import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2" };

function options() {
  const text = (value) => ({ type: "string", default: value });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      prometheus: text("http://127.0.0.1:9090"), out: text("preview"), theme: { type: "string" },
      var: { type: "string", multiple: true, default: [] }, to: { type: "string" }, range: { type: "string" },
      width: text("1600"), scrape: text("15"), chromium: text("/usr/bin/chromium"), help: { type: "boolean" },
    },
  });
  if (values.help || positionals.length === 0) {
    console.log(HELP);
    process.exit(values.help ? 0 : 3);
  }
  return { ...values, files: positionals };
}

/** Seconds of "now-6h" and its like. */
function ownRange(dashboard) {
  const [, count, unit] = /^now-(\d+)([smhd])$/.exec(dashboard.time?.from ?? "") ?? [null, "6", "h"];
  return Number(count) * { s: 1, m: 60, h: 3600, d: 86400 }[unit];
}

async function bundle(folder) {
  await build({
    entryPoints: [path.join(here, "page/main.jsx")], outfile: path.join(folder, "page.js"),
    bundle: true, format: "iife", jsx: "automatic", target: "es2022", minify: true, logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"', global: "window" },
    // Their ES modules import CommonJS packages in a way that only Grafana's own build understands.
    alias: Object.fromEntries(["data", "ui"].map((one) => [`@grafana/${one}`, path.join(here, `node_modules/@grafana/${one}/dist/cjs/index.cjs`)])),
    loader: { ".ttf": "empty", ".woff": "empty", ".woff2": "dataurl", ".svg": "dataurl", ".png": "dataurl" },
  });
}

/** Serves the page, and hands /api/ on to Prometheus. */
async function serve(folder, prometheus) {
  const server = createServer(async (request, response) => {
    try {
      const url = new URL(request.url, "http://localhost");
      if (url.pathname.startsWith("/api/")) {
        const answer = await fetch(new URL(`${url.pathname.slice(1)}${url.search}`, `${prometheus.replace(/\/$/, "")}/`));
        response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
        return;
      }
      const file = path.join(folder, path.basename(url.pathname) || "index.html");
      if (url.pathname === "/") {
        response.writeHead(200, { "content-type": "text/html" })
          .end('<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><div id="root"></div><script src="page.js"></script>');
      } else if (existsSync(file)) {
        response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" }).end(await readFile(file));
      } else {
        // Icons: the page does without them.
        response.writeHead(404).end();
      }
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
}

async function picture(browser, origin, settings, file) {
  const page = await browser.newPage();
  await page.setViewport({ width: Number(settings.width), height: 1000 });
  await page.evaluateOnNewDocument((given) => { window.settings = given; }, settings);
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  await page.goto(origin, { waitUntil: "networkidle0", timeout: 120000 });
  await page.waitForFunction("window.drawn || window.failed", { timeout: 120000 });
  const result = await page.evaluate(() => ({ failed: window.failed, drawn: window.drawn }));
  await page.setViewport({ width: Number(settings.width), height: result.drawn?.height ?? 1000 });
  await new Promise((done) => setTimeout(done, 500));
  await page.screenshot({ path: file });
  await page.close();
  return { wrong: [...wrong, ...(result.failed ? [result.failed] : []), ...(result.drawn?.errors ?? [])], empty: result.drawn?.empty ?? [] };
}

const given = options();
const folder = await mkdtemp(path.join(tmpdir(), "m365mon-preview-"));
let bad = false;
try {
  await bundle(folder);
  const server = await serve(folder, given.prometheus);
  const browser = await puppeteer.launch({ executablePath: given.chromium, args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"] });
  const origin = `http://127.0.0.1:${server.address().port}/`;
  await mkdir(given.out, { recursive: true });
  const variables = Object.fromEntries(given.var.map((one) => one.split(/=(.*)/s).slice(0, 2)));
  for (const name of given.files) {
    const dashboard = JSON.parse(await readFile(name, "utf8"));
    const to = Number(given.to ?? Date.now() / 1000);
    const from = to - Number(given.range ?? ownRange(dashboard));
    for (const theme of given.theme ? [given.theme] : ["light", "dark"]) {
      const file = path.join(given.out, `${path.basename(name, ".json")}-${theme}.png`);
      const settings = { dashboard, theme, from, to, variables, scrape: Number(given.scrape), width: given.width };
      const { wrong, empty } = await picture(browser, origin, settings, file);
      console.log(`${file}${empty.length ? `  without data: ${empty.join("; ")}` : ""}`);
      for (const line of wrong) console.error(`  ${line}`);
      bad ||= wrong.length > 0;
    }
  }
  await browser.close();
  server.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(bad ? 1 : 0);
