// MSAL for Node, unchanged, against the simulated tenant.
//
// Its requests are global fetch, which in Node 20 takes HTTPS_PROXY only by
// undici's agent; NODE_EXTRA_CA_CERTS names the certificate to trust.

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";

import {
  ConfidentialClientApplication,
  CryptoProvider,
  PublicClientApplication,
} from "@azure/msal-node";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

setGlobalDispatcher(new EnvHttpProxyAgent());

const folder = process.env.M365MON_SIMULATOR;
const data = process.env.M365MON_TEST_DATA;
const endpoints = JSON.parse(readFileSync(join(folder, "simulator.json")));
const secret = readFileSync(join(folder, endpoints.secret_file), "utf8").trim();
const key = readFileSync(join(data, "app-key.pem"), "utf8");
const certificate = readFileSync(join(data, "app-certificate.pem"), "utf8");

const authority = "https://login.microsoftonline.com/contoso.onmicrosoft.com";
const steve = "steve@contoso.onmicrosoft.com";
const password = "a password of this test";
const redirectUri = "http://localhost:4711/auth/callback";
const graph = ["https://graph.microsoft.com/.default"];
const lists =
  "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists?$select=displayName&$top=1";
const messages = "https://graph.microsoft.com/v1.0/me/messages?$select=id&$top=1";
const certificateApp = "11111111-aaaa-4000-8000-000000000003";

async function control(method, path, body) {
  const answer = await fetch(endpoints.control + path, {
    method,
    body: body && JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function ask(token, url) {
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
  const body = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(body));
  assert.ok(body.value.length > 0);
}

/** What a person does in a browser; gives the parameters of the redirect. */
async function signIn(url) {
  await control("POST", "/users", { user: steve, password });
  const page = await (await fetch(url, { redirect: "manual" })).text();
  const context = page.match(/name="ctx" value="([^"]+)"/)[1];
  const action = page.match(/<form method="post" action="([^"]+)"/)[1];
  const answer = await fetch(new URL(action, url), {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ ctx: context, login: steve, passwd: password }),
  });
  assert.equal(answer.status, 302, await answer.text());
  return new URL(answer.headers.get("location")).searchParams;
}

const publicClient = () =>
  new PublicClientApplication({ auth: { clientId: endpoints.delegated_client_id, authority } });

/** From the cache, then by the refresh token. */
async function checkPerson(app, result) {
  assert.equal(result.account.username, steve);
  await ask(result.accessToken, messages);
  const scopes = ["Mail.ReadBasic"];
  const silent = await app.acquireTokenSilent({ account: result.account, scopes });
  assert.equal(silent.accessToken, result.accessToken);
  const fresh = await app.acquireTokenSilent({
    account: result.account,
    scopes,
    forceRefresh: true,
  });
  assert.notEqual(fresh.accessToken, result.accessToken);
  await ask(fresh.accessToken, messages);
}

beforeEach(() => control("PUT", "/entra", { device_interval: 1 }));

test("client secret", async () => {
  const app = new ConfidentialClientApplication({
    auth: { clientId: endpoints.client_id, authority, clientSecret: secret },
  });
  const first = await app.acquireTokenByClientCredential({ scopes: graph });
  await ask(first.accessToken, lists);
  const second = await app.acquireTokenByClientCredential({ scopes: graph });
  assert.ok(second.fromCache);
});

test("wrong secret", async () => {
  const app = new ConfidentialClientApplication({
    auth: { clientId: endpoints.client_id, authority, clientSecret: "wrong" },
  });
  await assert.rejects(app.acquireTokenByClientCredential({ scopes: graph }), (error) => {
    assert.equal(error.errorCode, "invalid_client");
    assert.match(error.message, /7000215/);
    return true;
  });
});

test("certificate", async () => {
  await control("POST", "/entra/certificates", {
    app: certificateApp,
    pem: certificate,
    replace: true,
  });
  const der = new X509Certificate(certificate).raw;
  const app = new ConfidentialClientApplication({
    auth: {
      clientId: certificateApp,
      authority,
      clientCertificate: {
        thumbprintSha256: createHash("sha256").update(der).digest("hex"),
        privateKey: key,
      },
    },
  });
  const result = await app.acquireTokenByClientCredential({ scopes: graph });
  await ask(result.accessToken, lists);
});

test("device code", async () => {
  const app = publicClient();
  const result = await app.acquireTokenByDeviceCode({
    scopes: ["Mail.ReadBasic"],
    deviceCodeCallback: ({ userCode }) =>
      control("POST", "/devices", { code: userCode, user: steve }),
  });
  await checkPerson(app, result);
});

test("authorization code with PKCE", async () => {
  const app = publicClient();
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes: ["Mail.ReadBasic"], redirectUri };
  const url = await app.getAuthCodeUrl({
    ...request,
    codeChallenge: challenge,
    codeChallengeMethod: "S256",
    state: "a state",
  });
  const answer = await signIn(url);
  assert.equal(answer.get("state"), "a state");
  const result = await app.acquireTokenByCode({
    ...request,
    code: answer.get("code"),
    codeVerifier: verifier,
  });
  await checkPerson(app, result);
});
