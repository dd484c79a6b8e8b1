// axe-core on every page, light and dark, on a phone and on a desk.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import axe from "axe-core";

import { Stage, eventually, press } from "./stage.mjs";

let stage;

before(async () => {
  stage = await Stage.open();
  // Something of every state: a site that is down, one that nobody may read,
  // an account that waits for its person.
  await stage.control("/faults", {
    kind: { unavailable: {} },
    scope: { resource: "https://contoso.sharepoint.com/sites/hr" },
  });
  await stage.control("/sites", {
    url: "https://contoso.sharepoint.com/sites/finance",
    state: "locked",
  });
  await stage.gauge("m365_account_sign_in_required", 1);
  await eventually("hr is down", () => stage.is("hr", 0));
});
after(() => stage?.close());

const SIGN_IN = "/accounts/contoso-steve/sign-in";
const PAGES = {
  board: "/",
  down: "/?state=down",
  grouped: "/?group=kind&q=site",
  resource: "/resources/intranet",
  "resource-down": "/resources/hr",
  account: "/accounts/contoso-app",
  "account-of-a-person": "/accounts/contoso-steve",
  "sign-in": SIGN_IN,
  approval: "/accounts/contoso-steve/approval",
  "no-sign-in": "/auth/callback",
  operator: "/operator",
  runbook: "/runbooks/M365ResourceDown",
  runbooks: "/runbooks",
  story: "/probe?debug=true&resource=intranet",
  "story-down": "/probe?debug=true&resource=hr",
  config: "/config",
  error: "/resources/intranett",
};

/** Findings that keep somebody out. */
async function findings(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return result.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`);
}

for (const scheme of ["light", "dark"]) {
  for (const [size, width, height] of [
    ["small", 320, 640],
    ["phone", 390, 844],
    ["desk", 1440, 900],
    ["wide", 1920, 1080],
  ]) {
    test(`${scheme}, ${size}`, async () => {
      const { context, page, complaints } = await stage.visitor();
      await page.setViewport({ width, height });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      const found = {};
      const look = async (name) => {
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - innerWidth,
        );
        found[name] = await findings(page);
        if (overflow > 0) found[name].push(`wider than the screen by ${overflow}`);
        await stage.screenshot(page, `${name}-${scheme}-${size}`);
      };
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(stage.origin + path);
        await look(name);
      }
      await page.goto(stage.origin + SIGN_IN);
      await press(page, "Sign in with this browser");
      await look("leave");
      await page.goto(stage.origin + SIGN_IN);
      await press(page, "Get a code for another device");
      await look("code");
      const bad = Object.entries(found).filter(([, list]) => list.length > 0);
      assert.deepEqual(Object.fromEntries(bad), {});
      // The browser complains of the page that is an error by itself.
      const ours = complaints.filter((one) => !one.includes("status of 404"));
      assert.deepEqual(ours, []);
      await context.close();
    });
  }
}
