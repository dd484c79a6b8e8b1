// Pages that stay true while somebody looks at them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Stage, eventually, words } from "./stage.mjs";

const HR = "https://contoso.sharepoint.com/sites/hr";

let stage;

before(async () => {
  stage = await Stage.open();
  await eventually("hr is up", () => stage.is("hr", 1));
});
after(() => stage?.close());

async function shows(page, text) {
  await page.waitForFunction((text) => document.body.innerText.includes(text), {}, text);
}

test("an outage shows itself, with only what changed", async () => {
  const { context, page, complaints } = await stage.visitor();
  await page.goto(`${stage.origin}/`);
  const whole = (await page.content()).length;
  assert.doesNotMatch(await page.title(), /down/);
  const sizes = [];
  page.on("response", async (answer) => {
    if (answer.request().headers()["m365mon-seen"] !== undefined) {
      sizes.push((await answer.text()).length);
    }
  });
  const kept = await page.$('main a[href="/resources/home"]');
  await stage.control("/faults", { kind: { unavailable: {} }, scope: { resource: HR } });
  await page.waitForFunction(() => /^\d+ down/.test(document.title));
  await shows(page, "The service answers with an error");
  assert.match(await page.$eval("link[rel=icon]", (icon) => icon.href), /icon-down/);
  const text = await words(page);
  assert.match(text, /What users feel/);
  assert.match(text, /What to do/);
  assert.ok(kept, "a row of a healthy site");
  assert.ok(Math.max(...sizes) < whole, `${sizes} of ${whole}`);

  // What to give Microsoft, by a button.
  await page.goto(`${stage.origin}/resources/hr`);
  await context.overridePermissions(stage.origin, ["clipboard-read", "clipboard-write"]);
  const copied = await page.$eval(".microsoft pre", (block) => block.textContent);
  for (const part of [/Time: 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/, /request-id: \S{36}/, /client-request-id: \S{36}/]) {
    assert.match(copied, part);
  }
  await page.click("[data-copy]");
  await page.waitForFunction(() => document.querySelector("[data-copy]").textContent === "Copied");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), copied);
  await stage.screenshot(page, "resource-with-its-block");

  // The waterfall, although it fails.
  await page.goto(`${stage.origin}/probe?debug=true&resource=hr`);
  assert.match(await words(page), /failure: The service answers with an error[^]*Where the time went/);
  assert.ok((await page.$$(".waterfall rect")).length >= 1);
  await stage.control("/faults", undefined, "DELETE");
  await page.goto(`${stage.origin}/`);
  await page.waitForFunction(() => !/\d+ down/.test(document.title));
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a page whose exporter is dead says so", async () => {
  const { context, page } = await stage.stranger();
  await page.goto(`${stage.origin}/`);
  assert.equal(await page.$eval("#stale", (stale) => stale.hidden), true);
  await stage.exporter.stop();
  await page.waitForFunction(() => !document.querySelector("#stale").hidden);
  const said = await page.$eval("#stale", (stale) => stale.innerText);
  assert.match(said, /does not answer[^]*true at \d\d:\d\d:\d\d UTC, \d+ s ago/);
  await stage.screenshot(page, "dead");
  await stage.startExporter();
  await page.waitForFunction(() => document.querySelector("#stale").hidden);
  await context.close();
});

test("without a script, by keyboard, and by everybody", async () => {
  const { context, page } = await stage.stranger();
  await page.setJavaScriptEnabled(false);
  await page.goto(`${stage.origin}/?q=home`);
  assert.match(await words(page), /home/);
  assert.match(await words(page), /As of \d\d:\d\d:\d\d UTC/);
  await page.setJavaScriptEnabled(true);
  await page.goto(`${stage.origin}/`);
  assert.match(await page.evaluate(() => document.body.innerText), /how to become one/);
  const names = [];
  for (let press = 0; press < 8; press += 1) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement.textContent.trim()));
  }
  assert.equal(names[0], "To the content");
  assert.ok(names.includes("Become an operator"), names.join());
  await context.close();
});
