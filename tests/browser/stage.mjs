// The simulated tenant, the exporter and a Chromium that takes the tenant's
// login host for Microsoft's: another site than the exporter's localhost.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import puppeteer from "puppeteer-core";

/** A name of the exporter on a network; the browser finds it on this machine. */
export const OUTSIDE = "monitor.contoso.com";

const PATIENCE = 90_000;
const binary = process.env.M365MON_BINARY;

/** Asks until there is something; fails loudly after a while. */
export async function eventually(what, ask) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** A program that ends with the test; `ready` finds something in its output. */
async function start(words, ready) {
  const child = spawn(binary, words, { stdio: ["ignore", "pipe", "pipe"] });
  const program = { child, output: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes) => (program.output += bytes));
  }
  program.stop = () =>
    new Promise((done) => {
      if (child.exitCode !== null) return done();
      child.once("exit", done);
      child.kill("SIGTERM");
    });
  program.found = await eventually(`${words[0]} is ready`, () => {
    if (child.exitCode !== null) throw new Error(program.output);
    return ready(program.output);
  });
  return program;
}

function freePort() {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

export class Stage {
  /** Every exporter that ran. */
  logs = [];
  /** Links and cookies of operators. */
  secrets = [];

  static async open() {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), "m365mon-browser-"));
    const tenant = join(stage.folder, "tenant");
    stage.tenant = await start(
      ["simulate", "--listen=127.0.0.1:0", "--dir", tenant, "--interval=1s"],
      (output) => output.includes("\nconfiguration"),
    );
    stage.endpoints = JSON.parse(readFileSync(join(tenant, "simulator.json")));
    stage.configuration = join(tenant, "m365mon.yml");
    await stage.startExporter();
    await stage.startBrowser();
    return stage;
  }

  /** Starts the exporter, again on the same port if it ran before. */
  async startExporter() {
    await this.exporter?.stop();
    const listen = `127.0.0.1:${this.port ?? 0}`;
    this.exporter = await start(
      [
        "serve",
        "--config.file",
        this.configuration,
        `--web.listen-address=${listen}`,
        "--log.level=trace",
      ],
      (output) => output.match(/url=http:\/\/127\.0\.0\.1:(\d+)\//),
    );
    this.logs.push(this.exporter);
    this.port = Number(this.exporter.found[1]);
    this.origin = `http://localhost:${this.port}`;
  }

  /** One more exporter as the network sees it: TLS, users, a path before all. */
  async startOutside() {
    const port = await freePort();
    this.outside = `https://${OUTSIDE}:${port}/m365`;
    this.user = { username: "alice", password: "a password of the exporter" };
    this.reader = { ...this.user, username: "bob" };
    const hash = execFileSync(binary, ["hash-password"], { input: this.user.password });
    const web = [
      `tls_server_config: {cert_file: ${this.certificate}, key_file: ${this.certificate}}`,
      `basic_auth_users: {alice: "${String(hash).trim()}", bob: "${String(hash).trim()}"}`,
    ];
    const file = join(this.folder, "web.yml");
    writeFileSync(file, web.join("\n"));
    await this.control("/entra/redirects", {
      app: this.endpoints.delegated_client_id,
      uri: `${this.outside}/auth/callback`,
      platform: "public",
    });
    const program = await start(
      [
        "serve",
        "--config.file",
        this.configuration,
        `--web.config.file=${file}`,
        `--web.external-url=${this.outside}`,
        "--web.operators=user:alice",
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=trace",
      ],
      (output) => output.includes(`:${port}/`) && output.includes("msg=ready"),
    );
    this.logs.push(program);
    return program;
  }

  /** A certificate of the exporter's own, signed by itself. */
  makeCertificate() {
    this.certificate = join(this.folder, "exporter.pem");
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", `/CN=${OUTSIDE}`, "-addext", `subjectAltName=DNS:${OUTSIDE}`],
      ...["-keyout", this.certificate, "-out", join(this.folder, "exporter-certificate.pem")],
    ], { stdio: "ignore" });
    const certificate = readFileSync(join(this.folder, "exporter-certificate.pem"));
    writeFileSync(this.certificate, certificate, { flag: "a" });
  }

  async startBrowser() {
    // Trust comes from the browser's own store, as on a desk.
    const store = join(this.folder, ".pki/nssdb");
    mkdirSync(store, { recursive: true });
    this.makeCertificate();
    execFileSync("certutil", ["-N", "-d", `sql:${store}`, "--empty-password"]);
    for (const file of [`tenant/${this.endpoints.ca_file}`, "exporter-certificate.pem"]) {
      const which = ["-n", file, "-i", join(this.folder, file)];
      execFileSync("certutil", ["-A", "-d", `sql:${store}`, "-t", "CP,,", ...which]);
    }
    const rules = ["login.microsoftonline.com", "microsoft.com"]
      .map((host) => `MAP ${host}:443 ${this.endpoints.tls}`)
      .concat(`MAP ${OUTSIDE} 127.0.0.1`, "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1");
    this.browser = await puppeteer.launch({
      executablePath: process.env.M365MON_CHROMIUM,
      timeout: PATIENCE,
      env: { ...process.env, HOME: this.folder },
      args: [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        `--host-resolver-rules=${rules.join(", ")}`,
      ],
    });
  }

  async close() {
    await this.browser?.close();
    await this.exporter?.stop();
    await this.tenant?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A link that makes a browser an operator's. */
  link() {
    const words = ["open", "--config.file", this.configuration];
    const listen = `--web.listen-address=127.0.0.1:${this.port}`;
    return String(execFileSync(binary, [...words, listen])).trim();
  }

  /** A browser of an operator. Complaints of our pages are collected. */
  async visitor() {
    const visitor = await this.stranger();
    const link = this.link();
    this.secrets.push(link.split("#")[1]);
    await visitor.page.goto(link);
    await press(visitor.page, "Become an operator in this browser");
    const [cookie] = await visitor.context.cookies();
    this.secrets.push(cookie.value);
    return visitor;
  }

  /** A browser that knows nothing yet. */
  async stranger() {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const complaints = [];
    page.on("console", (message) => {
      const at = message.location().url ?? "";
      if (["error", "warn"].includes(message.type()) && !at.startsWith("https://")) {
        complaints.push(`${page.url()}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
    return { context, page, complaints };
  }

  /** Changes the simulated tenant. */
  async control(path, body, method = "POST") {
    const answer = await fetch(this.endpoints.control + path, {
      method,
      body: body && JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  upn(name) {
    return `${name}@${this.endpoints.domain}`;
  }

  /** Takes every consent of a person back. */
  async forget(name) {
    await this.control("/consents", {
      app: this.endpoints.delegated_client_id,
      user: this.upn(name),
      revoke: true,
    });
  }

  async grant(name, resource, scopes) {
    await this.control("/consents", {
      app: this.endpoints.delegated_client_id,
      user: this.upn(name),
      resource,
      grant: scopes,
    });
  }

  async metric(line) {
    const text = await (await fetch(`${this.origin}/metrics`)).text();
    return text.split("\n").find((one) => one.startsWith(line));
  }

  /** Whether a resource is up (1) or down (0). */
  async is(name, up) {
    const line = await this.metric(`m365_resource_up{resource="${name}"`);
    return line?.endsWith(` ${up}`);
  }

  /** Waits for a gauge of the account. */
  async gauge(name, value) {
    const line = `${name}{account="contoso-steve"} ${value}`;
    await eventually(line, () => this.metric(line));
  }

  async screenshot(page, name) {
    const folder = process.env.M365MON_SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.png`), await page.screenshot({ fullPage: true }));
  }
}

/** Presses what has this text and waits for the page behind it. */
export async function press(page, text, selector = "a, button") {
  const found = await page.evaluateHandle(
    (selector, text) =>
      [...document.querySelectorAll(selector)].find((one) => one.textContent.trim() === text),
    selector,
    text,
  );
  const element = found.asElement();
  if (!element) throw new Error(`${page.url()} has no "${text}": ${await words(page)}`);
  await Promise.all([page.waitForNavigation(), element.click()]);
}

/** What a person reads. */
export async function words(page) {
  return page.evaluate(() => (document.querySelector("main") ?? document.body).innerText);
}
