"""MSAL for Python, unchanged, against the simulated tenant."""

import base64
import json
import os
import unittest
from unittest import mock

import msal
import requests
from cryptography.hazmat.primitives import hashes

import tenant
from tenant import APP, AUTHORITY, GRAPH, PUBLIC, SECRET, STEVE


def confidential(client=APP, credential=SECRET, **more):
    return msal.ConfidentialClientApplication(
        client, authority=AUTHORITY, client_credential=credential, **more
    )


class ClientCredentials(tenant.Test):
    def test_secret(self):
        app = confidential()
        first = app.acquire_token_for_client(GRAPH)
        self.assertEqual(first.get("token_source"), "identity_provider", first)
        self.assert_lists(first["access_token"])
        second = app.acquire_token_for_client(GRAPH)
        self.assertEqual(second["token_source"], "cache")
        self.assertEqual(second["access_token"], first["access_token"])

    def test_wrong_secret(self):
        answer = confidential(credential="wrong").acquire_token_for_client(GRAPH)
        self.assertEqual(answer["error"], "invalid_client")
        self.assertEqual(answer["error_codes"], [7000215])

    def test_secret_of_another_tenant(self):
        app = msal.ConfidentialClientApplication(
            APP,
            authority="https://login.microsoftonline.com/contoso-subsidiary.onmicrosoft.com",
            client_credential=SECRET,
        )
        self.assertEqual(app.acquire_token_for_client(GRAPH)["error_codes"], [700016])

    def test_unknown_tenant(self):
        with self.assertRaises(ValueError):
            msal.ConfidentialClientApplication(
                APP,
                authority="https://login.microsoftonline.com/contoso2.com",
                client_credential=SECRET,
            ).acquire_token_for_client(GRAPH)

    def test_certificate(self):
        tenant.register_certificate()
        for credential in (
            # PS256 and x5t#S256
            {"private_key": tenant.KEY_PEM, "public_certificate": tenant.CERTIFICATE_PEM},
            # RS256 and x5t
            {"private_key": tenant.KEY_PEM, "thumbprint": tenant.thumbprint()},
        ):
            app = confidential(tenant.CERTIFICATE_APP, credential)
            answer = app.acquire_token_for_client(GRAPH)
            self.assertIn("access_token", answer, answer)
            self.assert_lists(answer["access_token"])

    def test_unregistered_certificate(self):
        credential = {"private_key": tenant.KEY_PEM, "thumbprint": tenant.thumbprint(hashes.SHA1)}
        answer = confidential(APP, credential).acquire_token_for_client(GRAPH)
        self.assertEqual(answer["error_codes"], [700027])
        self.assertIn(tenant.thumbprint().upper(), answer["error_description"])

    def test_federation(self):
        credential = {"client_assertion": tenant.Issuer().token()}
        answer = confidential(tenant.CERTIFICATE_APP, credential).acquire_token_for_client(GRAPH)
        self.assertIn("access_token", answer, answer)
        self.assert_lists(answer["access_token"])

    def test_continuous_access_evaluation(self):
        app = confidential(client_capabilities=["cp1"])
        answer = app.acquire_token_for_client(GRAPH)
        self.assertGreater(answer["expires_in"], 19 * 3600)
        self.assertIn("refresh_on", answer)
        token = answer["access_token"]
        tenant.control("POST", "/revoke", {"app": APP})
        headers = {"Authorization": f"Bearer {token}"}
        refused = requests.get(tenant.LISTS, headers=headers, timeout=30)
        self.assertEqual(refused.status_code, 401, refused.text)
        challenge = refused.headers["WWW-Authenticate"]
        self.assertIn('error="insufficient_claims"', challenge)
        claims = challenge.split('claims="')[1].split('"')[0]
        claims = base64.b64decode(claims + "=" * (-len(claims) % 4)).decode()
        json.loads(claims)
        answer = app.acquire_token_for_client(GRAPH, claims_challenge=claims)
        self.assertNotEqual(answer["access_token"], token)
        self.assert_lists(answer["access_token"])


class People(tenant.Test):
    scopes = ["Mail.ReadBasic"]

    def check(self, app, answer):
        self.assertIn("access_token", answer, answer)
        self.assertEqual(answer["id_token_claims"]["preferred_username"], STEVE)
        self.assertTrue(self.ask(answer["access_token"], tenant.MESSAGES)["value"])
        [account] = app.get_accounts()
        self.assertEqual(account["username"], STEVE)
        # From the cache, then by the refresh token, then for another resource.
        silent = app.acquire_token_silent(self.scopes, account)
        self.assertEqual(silent["access_token"], answer["access_token"])
        fresh = app.acquire_token_silent(self.scopes, account, force_refresh=True)
        self.assertNotEqual(fresh["access_token"], answer["access_token"])
        other = app.acquire_token_silent(
            ["https://contoso.sharepoint.com/AllSites.Read"], account
        )
        self.assertIn("access_token", other)
        return account

    def test_device_code(self):
        app = msal.PublicClientApplication(PUBLIC, authority=AUTHORITY)
        flow = app.initiate_device_flow(self.scopes)
        self.assertIn(flow["user_code"], flow["message"])
        tenant.control("POST", "/devices", {"code": flow["user_code"], "user": STEVE})
        self.check(app, app.acquire_token_by_device_flow(flow))

    def test_device_code_declined(self):
        app = msal.PublicClientApplication(PUBLIC, authority=AUTHORITY)
        flow = app.initiate_device_flow(self.scopes)
        tenant.control("POST", "/devices", {"code": flow["user_code"], "decline": True})
        answer = app.acquire_token_by_device_flow(flow)
        self.assertEqual(answer["error"], "authorization_declined")

    def test_authorization_code(self):
        app = msal.PublicClientApplication(PUBLIC, authority=AUTHORITY)
        flow = app.initiate_auth_code_flow(
            self.scopes, redirect_uri=tenant.REDIRECT, login_hint=STEVE, prompt="login"
        )
        answer = app.acquire_token_by_auth_code_flow(flow, tenant.sign_in(flow["auth_uri"]))
        self.check(app, answer)

    def test_revocation(self):
        app = msal.PublicClientApplication(PUBLIC, authority=AUTHORITY)
        flow = app.initiate_auth_code_flow(self.scopes, redirect_uri=tenant.REDIRECT)
        answer = app.acquire_token_by_auth_code_flow(flow, tenant.sign_in(flow["auth_uri"]))
        [account] = app.get_accounts()
        tenant.control("POST", "/revoke", {"user": STEVE})
        answer = app.acquire_token_silent_with_error(self.scopes, account, force_refresh=True)
        self.assertEqual(answer["error"], "invalid_grant")
        self.assertEqual(answer["error_codes"], [50173])

    def test_missing_consent(self):
        app = msal.PublicClientApplication(PUBLIC, authority=AUTHORITY)
        flow = app.initiate_auth_code_flow(self.scopes, redirect_uri=tenant.REDIRECT)
        app.acquire_token_by_auth_code_flow(flow, tenant.sign_in(flow["auth_uri"]))
        [account] = app.get_accounts()
        answer = app.acquire_token_silent_with_error(["Calendars.Read"], account)
        self.assertEqual(answer["suberror"], "consent_required")


class Machines(tenant.Test):
    def acquire(self, environment):
        identity = msal.SystemAssignedManagedIdentity()
        with mock.patch.dict(os.environ, environment):
            client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
            answer = client.acquire_token_for_client(resource="https://graph.microsoft.com")
        self.assertIn("access_token", answer, answer)
        self.assert_lists(answer["access_token"])

    def test_virtual_machine(self):
        self.acquire({"AZURE_POD_IDENTITY_AUTHORITY_HOST": tenant.ENDPOINTS["metadata"]})

    def test_app_service(self):
        policy = tenant.control("GET", "/entra")
        self.acquire(
            {
                "IDENTITY_ENDPOINT": tenant.ENDPOINTS["metadata"] + "/msi/token",
                "IDENTITY_HEADER": policy["identity_header"],
            }
        )


if __name__ == "__main__":
    unittest.main()
