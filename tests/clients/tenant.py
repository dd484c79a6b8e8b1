"""The simulated tenant as these tests see it.

`scripts/test-clients` starts `m365mon simulate`, names its folder in
M365MON_SIMULATOR, and sets HTTPS_PROXY and the certificate bundle, so that
Microsoft's libraries reach it under Microsoft's own names, unchanged.
"""

import base64
import html.parser
import json
import os
import pathlib
import time
import unittest
import urllib.parse

import jwt
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

FOLDER = pathlib.Path(os.environ["M365MON_SIMULATOR"])
DATA = pathlib.Path(os.environ["M365MON_TEST_DATA"])
ENDPOINTS = json.loads((FOLDER / "simulator.json").read_text())

DOMAIN = "contoso.onmicrosoft.com"
AUTHORITY = f"https://login.microsoftonline.com/{DOMAIN}"
STEVE = f"steve@{DOMAIN}"
PASSWORD = "a password of this test"

APP = ENDPOINTS["client_id"]
SECRET = (FOLDER / ENDPOINTS["secret_file"]).read_text().strip()
PUBLIC = ENDPOINTS["delegated_client_id"]
CERTIFICATE_APP = "11111111-aaaa-4000-8000-000000000003"

GRAPH = ["https://graph.microsoft.com/.default"]
SITE = "contoso.sharepoint.com:/sites/intranet:"
LISTS = f"https://graph.microsoft.com/v1.0/sites/{SITE}/lists?$select=displayName&$top=1"
MESSAGES = "https://graph.microsoft.com/v1.0/me/messages?$select=id&$top=1"
REDIRECT = "http://localhost:4711/auth/callback"

KEY_PEM = (DATA / "app-key.pem").read_text()
CERTIFICATE_PEM = (DATA / "app-certificate.pem").read_text()


def control(method, path, body=None):
    """Asks the control endpoint; anything but success ends the test."""
    answer = requests.request(method, ENDPOINTS["control"] + path, json=body, timeout=30)
    assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()


def thumbprint(algorithm=hashes.SHA1):
    """Of the test's certificate, in hexadecimal."""
    certificate = x509.load_pem_x509_certificate(CERTIFICATE_PEM.encode())
    return certificate.fingerprint(algorithm()).hex()


def register_certificate():
    control(
        "POST",
        "/entra/certificates",
        {"app": CERTIFICATE_APP, "pem": CERTIFICATE_PEM, "replace": True},
    )


class Issuer:
    """Another identity provider, trusted by the certificate's application."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        # One of its own for each run: what is trusted stays trusted.
        self.url = f"https://kubernetes.contoso.com/{os.urandom(8).hex()}"
        self.subject = "system:serviceaccount:monitoring:m365mon"
        self.audience = "api://AzureADTokenExchange"
        numbers = self.key.public_key().public_numbers()
        encode = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode()
        control(
            "POST",
            "/entra/federated",
            {
                "app": CERTIFICATE_APP,
                "issuer": self.url,
                "subject": self.subject,
                "audience": self.audience,
                "jwk": {"kty": "EC", "crv": "P-256", "x": encode(numbers.x), "y": encode(numbers.y)},
            },
        )

    def token(self):
        now = int(time.time())
        claims = {"iss": self.url, "sub": self.subject, "aud": self.audience}
        claims |= {"iat": now, "exp": now + 3600}
        return jwt.encode(claims, self.key, algorithm="ES256")


class _Form(html.parser.HTMLParser):
    """The first form of a page: where it goes and what is in it."""

    def __init__(self):
        super().__init__()
        self.action = None
        self.fields = {}
        self.open = False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action, self.open = attrs["action"], True
        elif tag == "input" and self.open and "name" in attrs:
            self.fields[attrs["name"]] = attrs.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = False


def sign_in(url, upn=STEVE):
    """What a person does in a browser; gives the parameters of the redirect."""
    control("POST", "/users", {"user": upn, "password": PASSWORD})
    browser = requests.Session()
    page = browser.get(url, allow_redirects=False, timeout=30)
    assert page.status_code == 200, page.text
    form = _Form()
    form.feed(page.text)
    form.fields |= {"login": upn, "passwd": PASSWORD}
    action = urllib.parse.urljoin(url, form.action)
    answer = browser.post(action, data=form.fields, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    query = urllib.parse.urlsplit(answer.headers["Location"]).query
    return dict(urllib.parse.parse_qsl(query))


class Test(unittest.TestCase):
    """Each test begins with a tenant in which nothing was ordered."""

    def setUp(self):
        control("PUT", "/entra", {"device_interval": 1})

    def ask(self, token, url, **headers):
        """A Graph call with a token; gives the body."""
        headers = {"Authorization": f"Bearer {token}"} | headers
        answer = requests.get(url, headers=headers, timeout=30)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def assert_lists(self, token):
        self.assertTrue(self.ask(token, LISTS)["value"][0]["displayName"])
