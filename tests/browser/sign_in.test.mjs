// A person signs in with a real browser: Entra is another site than the
// exporter, cookies and Origin behave as browsers have them behave.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { Stage, eventually, press, words } from "./stage.mjs";

const LOGIN = "https://login.microsoftonline.com/";
const PASSWORD = "a password of this test";
const ACCOUNT = "/accounts/contoso-steve";

let stage;

before(async () => {
  stage = await Stage.open();
  for (const name of ["steve", "helpdesk"]) {
    await stage.control("/users", { user: stage.upn(name), password: PASSWORD });
  }
});
after(() => stage?.close());

/** Up to Entra's page, by what a person sees. */
async function toEntra(page, button = "Sign in with this browser") {
  if (page.url() !== `${stage.origin}${ACCOUNT}/sign-in`) {
    await page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  }
  await press(page, button);
  assert.match(await words(page), /Continue at Microsoft/);
  const before = page.url();
  await press(page, "Continue at login.microsoftonline.com");
  assert.ok(before.startsWith(stage.origin), "nothing leads to Entra without a person");
  assert.ok(page.url().startsWith(LOGIN), page.url());
}

/** What a person does at Entra's first page. */
async function identify(page, name) {
  await page.$eval("#i0116", (field) => (field.value = ""));
  await page.type("#i0116", stage.upn(name));
  await page.type("#i0118", PASSWORD);
  await Promise.all([page.waitForNavigation(), page.click("#idSIButton9")]);
}

/** The address bar is clean, nothing was complained about. */
function arrived(visitor, path) {
  assert.equal(visitor.page.url(), stage.origin + path);
  assert.deepEqual(visitor.complaints, []);
}

async function signIn(visitor) {
  await toEntra(visitor.page);
  await identify(visitor.page, "steve");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  assert.match(await words(visitor.page), /Thank you, steve@\S+ is signed in/);
}

async function signOut(visitor) {
  await visitor.page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  await press(visitor.page, "Forget the sign-in");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  assert.match(await words(visitor.page), /Signed out\.[^]*Nobody is signed in/);
}

test("somebody else is sent away", async () => {
  await stage.grant("helpdesk", "graph", ["Sites.Read.All", "Mail.ReadBasic"]);
  const visitor = await stage.visitor();
  await toEntra(visitor.page);
  await identify(visitor.page, "helpdesk");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  const text = await words(visitor.page);
  assert.match(text, /helpdesk@\S+ signed in, but this account is for steve@/);
  assert.match(text, /thrown away/);
  assert.match(text, /Nobody is signed in/);
  await stage.screenshot(visitor.page, "wrong-person");
  await visitor.context.close();
});

test("the right person signs in, and probes begin", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await page.goto(`${stage.origin}/`);
  await stage.gauge("m365_account_sign_in_required", 1);
  await page.reload();
  await press(page, "Sign in");
  const text = await words(page);
  for (const part of [
    stage.upn("steve"),
    "https://graph.microsoft.com/Sites.Read.All",
    "https://contoso.sharepoint.com/AllSites.Read",
    "offline_access",
    "intranet-rest",
  ]) {
    assert.ok(text.includes(part), part);
  }
  await stage.screenshot(page, "sign-in");
  await press(page, "Sign in with this browser");
  await stage.screenshot(page, "continue-at-microsoft");
  const cookies = await visitor.context.cookies();
  const [cookie] = cookies.filter((one) => one.name.startsWith("m365mon-sign-in-"));
  assert.equal(cookies.length, 2, "this one and the operator's");
  assert.equal(cookie.path, "/auth/callback");
  assert.equal(cookie.sameSite, "Lax");
  assert.ok(cookie.httpOnly);
  const answers = [];
  page.on("response", (answer) => answers.push(answer));
  await press(page, "Continue at login.microsoftonline.com");
  await identify(page, "steve");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  assert.match(await words(page), /Thank you, steve@/);
  await stage.screenshot(page, "signed-in");
  const left = await visitor.context.cookies();
  assert.ok(!left.some((one) => one.name === cookie.name), "the cookie is gone");
  const callback = answers.find((answer) => answer.url().includes("/auth/callback?"));
  assert.equal(callback.status(), 303);
  assert.equal(callback.headers()["cache-control"], "no-store");
  assert.equal(callback.headers()["referrer-policy"], "no-referrer");
  await stage.gauge("m365_account_up", 1);
  await stage.gauge("m365_account_sign_in_required", 0);
  await page.goto(`${stage.origin}${ACCOUNT}`);
  assert.match(await words(page), /Sign-in ends in 89 days/);

  // The same answer once more is nobody's.
  await page.goto(callback.url());
  arrived(visitor, "/auth/callback");
  assert.match(await words(page), /This sign-in is not known here/);
  await stage.screenshot(page, "not-known");
  await press(page, "Sign in for contoso-steve");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  await signOut(visitor);
  await stage.gauge("m365_account_sign_in_required", 1);
  await visitor.context.close();
});

test("an administrator approves for one person", async () => {
  await stage.forget("steve");
  const visitor = await stage.visitor();
  const { page } = visitor;
  for (const requests of [false, true]) {
    await stage.control("/entra", { approval_requests: requests }, "PUT");
    await toEntra(page);
    await identify(page, "steve");
    assert.match(await words(page), requests ? /Approval required/ : /Need admin approval/);
    await press(
      page,
      requests ? "Request approval" : "Return to the application without granting consent",
    );
    arrived(visitor, `${ACCOUNT}/approval`);
    assert.match(await words(page), requests ? /AADSTS90095/ : /AADSTS90094/);
    await page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  }
  await page.goto(`${stage.origin}${ACCOUNT}/approval`);
  await stage.screenshot(page, "approval");
  // What the script would grant is granted; then the sign-in goes through.
  const script = await page.$eval("pre", (pre) => pre.innerText);
  assert.match(script, /ConsentType = 'Principal'/);
  assert.ok(script.includes(`Get-MgUser -UserId '${stage.upn("steve")}'`));
  const apis = { "00000003-0000-0000-c000-000000000000": "graph" };
  apis["00000003-0000-0ff1-ce00-000000000000"] = "sharepoint";
  const grants = [...script.matchAll(/([0-9a-f-]{36})'+\nGrant-Scopes \S+ '([^']+)'/g)];
  assert.equal(grants.length, 2);
  for (const [, id, scopes] of grants) {
    const names = scopes.split(" ").filter((name) => name.includes("."));
    await stage.grant("steve", apis[id], names);
  }
  await press(page, "Sign in again");
  await signIn(visitor);
  assert.doesNotMatch(await words(page), /No token for/);
  await stage.gauge("m365_account_up", 1);
  await signOut(visitor);
  await visitor.context.close();
});

test("an administrator approves for everyone, the second choice", async () => {
  await stage.forget("steve");
  await stage.control("/users", { user: stage.upn("admin"), password: PASSWORD });
  const visitor = await stage.visitor();
  const { page } = visitor;
  for (const host of ["graph.microsoft.com", "contoso.sharepoint.com"]) {
    await page.goto(`${stage.origin}${ACCOUNT}/approval`);
    await press(page, `Approve for everyone: ${host}`);
    await identify(page, "admin");
    assert.match(await words(page), /Review for your organization/);
    await press(page, "Accept");
    arrived(visitor, "/auth/callback");
    assert.match(await words(page), /If an administrator has just approved/);
  }
  await press(page, "Sign in for contoso-steve");
  await signIn(visitor);
  assert.doesNotMatch(await words(page), /No token for/);
  await signOut(visitor);
  const app = stage.endpoints.delegated_client_id;
  await stage.control("/consents", { app, revoke: true });
  await visitor.context.close();
});

/** An exporter that was started anew knows no operator of the one before. */
async function operate(page) {
  await page.goto(stage.link());
  await press(page, "Become an operator in this browser");
}

test("a policy that ends sign-ins after an hour", async () => {
  await stage.grant("steve", "graph", ["Sites.Read.All", "Mail.ReadBasic"]);
  await stage.grant("steve", "sharepoint", ["AllSites.Read"]);
  const visitor = await stage.visitor();
  const { page } = visitor;
  await signIn(visitor);
  await stage.gauge("m365_account_up", 1);
  await stage.gauge("m365_account_sign_in_required", 0);
  await stage.control("/organizations", { sign_in_frequency: "1h" });
  await stage.control("/clock", { advance: "2h" });
  // One that holds no access token has to ask.
  await stage.startExporter();
  await stage.gauge("m365_account_sign_in_required", 1);
  await operate(page);
  await page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  assert.match(await words(page), /works no longer: please sign in again/);
  assert.match(await words(page), /refused at the age of \d+ (s|min)[^]*AADSTS70043[^]*A policy of the tenant[^]*max_age/);
  await stage.screenshot(page, "ended-by-policy");
  await stage.control("/clock", { reset: true });
  await signOut(visitor);
  await visitor.context.close();
});

test("consent of one's own: cancelled, then given, once for each service", async () => {
  await stage.control("/organizations", { user_consent: true });
  await stage.forget("steve");
  const visitor = await stage.visitor();
  const { page } = visitor;
  await toEntra(page);
  await identify(page, "steve");
  assert.match(await words(page), /Permissions requested/);
  await press(page, "Cancel");
  arrived(visitor, `${ACCOUNT}/approval`);
  assert.match(await words(page), /The permissions were not accepted/);
  await stage.screenshot(page, "cancelled");
  await press(page, "Sign in again");
  await toEntra(page);
  await identify(page, "steve");
  await press(page, "Accept");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  assert.match(await words(page), /Thank you[^]*No token for https:\/\/contoso\.sharepoint\.com yet/);
  await stage.screenshot(page, "second-round");
  await toEntra(page, "Sign in for contoso.sharepoint.com");
  await identify(page, "steve");
  assert.match(await words(page), /contoso\.sharepoint\.com\/AllSites\.Read/);
  await press(page, "Accept");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  const text = await words(page);
  assert.match(text, /Thank you/);
  assert.doesNotMatch(text, /No token for/);
  await stage.gauge("m365_account_up", 1);
  await eventually("SharePoint's own API is probed", () =>
    stage.metric('m365_resource_up{resource="intranet-rest"'),
  );
  await signOut(visitor);
  await stage.control("/organizations", { user_consent: false });
  await visitor.context.close();
});

test("another browser, and an exporter that was started anew", async () => {
  const [one, other] = [await stage.visitor(), await stage.visitor()];
  await one.page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  await press(one.page, "Sign in with this browser");
  const link = await one.page.$eval("a.button", (link) => link.href);
  await other.page.goto(link);
  await identify(other.page, "steve");
  arrived(other, `${ACCOUNT}/sign-in`);
  assert.match(await words(other.page), /begun in another browser[^]*Nobody is signed in/);
  await stage.screenshot(other.page, "other-browser");
  // It is used up for the first one as well.
  await press(one.page, "Continue at login.microsoftonline.com");
  await identify(one.page, "steve");
  arrived(one, "/auth/callback");

  await toEntra(one.page);
  // A page without a script refreshes nothing: it stays what it was.
  const old = await other.context.newPage();
  await old.setJavaScriptEnabled(false);
  await old.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  await stage.startExporter();
  await identify(one.page, "steve");
  arrived(one, "/auth/callback");
  assert.match(await words(one.page), /not known here/);
  // A page from before the start says so instead of doing something.
  const again = await other.context.newPage();
  await operate(again);
  await again.close();
  await press(old, "Sign in with this browser");
  assert.match(await words(old), /Once more, please/);
  await press(old, "Show it again");
  assert.equal(old.url(), `${stage.origin}${ACCOUNT}/sign-in`);
  await one.context.close();
  await other.context.close();
});

test("with a code for another device", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  await press(page, "Get a code for another device");
  arrived(visitor, `${ACCOUNT}/sign-in`);
  const code = await page.$eval(".code", (code) => code.innerText.trim());
  await stage.screenshot(page, "device-code");
  const phone = await stage.visitor();
  await phone.page.goto("https://microsoft.com/devicelogin");
  await phone.page.type("#otc", code);
  await Promise.all([phone.page.waitForNavigation(), phone.page.click("button")]);
  await identify(phone.page, "steve");
  assert.match(await words(phone.page), /You have signed in/);
  await page.waitForFunction(() => document.body.innerText.includes("Thank you"), {
    timeout: 90_000,
  });
  assert.match(await words(page), /Thank you, steve@/);
  assert.deepEqual(visitor.complaints, []);
  await stage.gauge("m365_account_up", 1);
  await signOut(visitor);

  await stage.control("/organizations", { device_code_blocked: true });
  await press(page, "Get a code for another device");
  const blocked = await page.$eval(".code", (code) => code.innerText.trim());
  await phone.page.goto("https://microsoft.com/devicelogin");
  await phone.page.type("#otc", blocked);
  await Promise.all([phone.page.waitForNavigation(), phone.page.click("button")]);
  await identify(phone.page, "steve");
  await page.waitForFunction(() => document.body.innerText.includes("block the device code"), {
    timeout: 90_000,
  });
  assert.match(await words(page), /53003[^]*m365mon login/);
  await stage.screenshot(page, "device-code-blocked");
  await stage.control("/organizations", { device_code_blocked: false });
  await phone.context.close();
  await visitor.context.close();
});

test("the name that Entra knows, and no frame around it", async () => {
  const visitor = await stage.visitor();
  const { page } = visitor;
  await page.goto(`http://127.0.0.1:${stage.port}${ACCOUNT}/sign-in`);
  arrived(visitor, `${ACCOUNT}/sign-in`);
  const framed = `${stage.origin}${ACCOUNT}/sign-in`;
  const server = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><iframe src="${framed}"></iframe>`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const frame = await eventually("the frame", () => page.frames()[1]);
  // Either the page refuses the frame, or it is an answer for nobody: the cookie
  // of an operator does not travel into another site's frame.
  await eventually("the frame has an answer", async () => (await frame.content()).length > 60);
  assert.doesNotMatch(await frame.content(), /Sign in with this browser/);
  server.close();
  await visitor.context.close();
});

test("a link becomes a cookie by one press, and everyone sees states", async () => {
  const { context, page, complaints } = await stage.stranger();
  await page.goto(`${stage.origin}${ACCOUNT}`);
  assert.doesNotMatch(await words(page), /steve@|Sign in/);
  const answer = await page.goto(`${stage.origin}${ACCOUNT}/sign-in`);
  assert.equal(answer.status(), 403);
  assert.match(await words(page), /m365mon open/);
  complaints.length = 0;
  const link = stage.link();
  stage.secrets.push(link.split("#")[1]);
  const asked = [];
  page.on("request", (request) => asked.push(request.url().split("#")[0] + (request.headers().referer ?? "")));
  await page.goto(link);
  assert.equal(page.url(), `${stage.origin}/operator`, "it is out of the address bar");
  assert.deepEqual(await context.cookies(), [], "nothing happens without a person");
  await stage.screenshot(page, "operator");
  await press(page, "Become an operator in this browser");
  assert.equal(page.url(), `${stage.origin}/`);
  const [cookie] = await context.cookies();
  assert.equal(cookie.name, `m365mon-operator-${stage.port}`);
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path === "/");
  stage.secrets.push(cookie.value);
  await page.goto(`${stage.origin}${ACCOUNT}`);
  assert.match(await words(page), /steve@/);
  // Once, and in no address that travelled.
  const path = new URL(link);
  assert.ok(!asked.some((url) => url.includes(path.hash.slice(1))), asked.join(" "));
  await page.goto("about:blank");
  await page.goto(link);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  assert.match(await words(page), /This link is not good here/);
  await context.close();
});

test("from another machine: TLS, a user, a path before all", async () => {
  await stage.grant("steve", "graph", ["Sites.Read.All", "Mail.ReadBasic"]);
  await stage.grant("steve", "sharepoint", ["AllSites.Read"]);
  const outside = await stage.startOutside();
  const visitor = await stage.stranger();
  const { page } = visitor;
  await page.authenticate(stage.user);
  await page.goto(`${stage.outside}/`);
  await press(page, "contoso-steve");
  await press(page, "Sign in");
  assert.equal(page.url(), `${stage.outside}${ACCOUNT}/sign-in`);
  assert.ok((await words(page)).includes(`${stage.outside}/auth/callback`));
  await press(page, "Sign in with this browser");
  const [cookie] = await visitor.context.cookies();
  assert.equal(cookie.path, "/m365/auth/callback");
  assert.ok(cookie.secure && cookie.httpOnly);
  await press(page, "Continue at login.microsoftonline.com");
  await identify(page, "steve");
  assert.equal(page.url(), `${stage.outside}${ACCOUNT}/sign-in`);
  assert.match(await words(page), /Thank you, steve@/);
  await stage.screenshot(page, "from-another-machine");
  await press(page, "Forget the sign-in");
  assert.match(await words(page), /Signed out/);
  assert.deepEqual(visitor.complaints, []);
  await outside.stop();
  await visitor.context.close();
});

test("who was invited signs in and does nothing else", async () => {
  for (const name of ["steve", "helpdesk"]) {
    await stage.grant(name, "graph", ["Sites.Read.All", "Mail.ReadBasic"]);
    await stage.grant(name, "sharepoint", ["AllSites.Read"]);
  }
  const outside = await stage.startOutside();
  const operator = await stage.stranger();
  await operator.page.authenticate(stage.user);
  await operator.page.goto(`${stage.outside}${ACCOUNT}/sign-in`);
  await press(operator.page, `Invite ${stage.upn("steve")}`);
  await stage.screenshot(operator.page, "invitation");
  const link = await operator.page.$eval("pre", (pre) => pre.innerText.trim());
  const [address, invitation] = link.split("#");
  assert.equal(address, `${stage.outside}${ACCOUNT}/invitation`);
  stage.secrets.push(invitation);

  const reader = await stage.stranger();
  const { page } = reader;
  await page.authenticate(stage.reader);
  const asked = [];
  page.on("request", (request) => asked.push(request.url().split("#")[0] + (request.headers().referer ?? "")));
  await page.goto(link);
  assert.equal(page.url(), address, "it is out of the address bar");
  assert.deepEqual(await reader.context.cookies(), [], "nothing happens without a person");
  assert.doesNotMatch(await words(page), /steve@/);
  await press(page, "Show what is asked for");
  assert.match(await words(page), /steve@[^]*Mail\.ReadBasic/);
  await stage.screenshot(page, "invited");
  const [kept] = await reader.context.cookies();
  assert.equal(kept.path, `/m365${ACCOUNT}/invitation`);
  assert.ok(kept.httpOnly && kept.secure && kept.sameSite === "Strict");
  await press(page, "Sign in with this browser");
  await press(page, "Continue at login.microsoftonline.com");
  // Somebody else first: the invitation goes on.
  await identify(page, "helpdesk");
  assert.equal(page.url(), `${address}/other-person`);
  await press(page, "Try again");
  await press(page, "Continue at login.microsoftonline.com");
  await identify(page, "steve");
  assert.equal(page.url(), `${address}/done`);
  assert.match(await words(page), /Thank you, that is all/);
  assert.deepEqual(reader.complaints, []);
  assert.ok(!asked.some((url) => url.includes(invitation)), asked.join(" "));

  await page.goto("about:blank");
  await page.goto(link);
  await press(page, "Show what is asked for");
  assert.match(await words(page), /not good, or not any more/);
  const refused = await page.goto(`${stage.outside}${ACCOUNT}/sign-in`);
  assert.equal(refused.status(), 403);
  await operator.page.goto(`${stage.outside}${ACCOUNT}/sign-in`);
  await press(operator.page, "Forget the sign-in");
  assert.deepEqual(operator.complaints, []);
  await outside.stop();
  await operator.context.close();
  await reader.context.close();
});

test("nothing that is secret is in the log", () => {
  const log = stage.logs.map((program) => program.output).join("");
  assert.match(log, /level=trace/);
  // A number is Entra's, of an error.
  assert.doesNotMatch(log, /code=(?!\d{1,8}\b)/);
  for (const mark of ["state=", "eyJ", "m365mon-sign-in-", PASSWORD, stage.user.password, ...stage.secrets]) {
    assert.ok(!log.includes(mark), `${mark} is in the log`);
  }
});
