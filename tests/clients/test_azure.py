"""azure-identity and the Graph SDK for Python, unchanged, against the simulated tenant."""

import os
import tempfile
import unittest
from unittest import mock

import tenant
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphServiceClient
from msgraph.generated.sites.item.lists.lists_request_builder import ListsRequestBuilder
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from tenant import APP, DOMAIN, GRAPH, PUBLIC, SECRET, STEVE


class Credentials(tenant.Test):
    def check(self, credential, scope=GRAPH[0]):
        token = credential.get_token(scope)
        self.assert_lists(token.token)
        return token

    def test_secret(self):
        self.check(ClientSecretCredential(DOMAIN, APP, SECRET))

    def test_wrong_secret(self):
        with self.assertRaises(ClientAuthenticationError) as caught:
            ClientSecretCredential(DOMAIN, APP, "wrong").get_token(GRAPH[0])
        self.assertIn("AADSTS7000215", str(caught.exception))

    def test_certificate(self):
        tenant.register_certificate()
        both = (tenant.KEY_PEM + tenant.CERTIFICATE_PEM).encode()
        self.check(CertificateCredential(DOMAIN, tenant.CERTIFICATE_APP, certificate_data=both))

    def test_workload_identity(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(tenant.Issuer().token())
            file.flush()
            self.check(
                WorkloadIdentityCredential(
                    tenant_id=DOMAIN,
                    client_id=tenant.CERTIFICATE_APP,
                    token_file_path=file.name,
                )
            )

    def test_device_code(self):
        def prompt(_uri, code, _expires):
            tenant.control("POST", "/devices", {"code": code, "user": STEVE})

        credential = DeviceCodeCredential(PUBLIC, tenant_id=DOMAIN, prompt_callback=prompt)
        self.check(credential)

    def test_authorization_code(self):
        url = (
            f"{tenant.AUTHORITY}/oauth2/v2.0/authorize?client_id={PUBLIC}&response_type=code"
            f"&redirect_uri={tenant.REDIRECT}&scope=openid+offline_access+Sites.Read.All"
        )
        code = tenant.sign_in(url)["code"]
        credential = AuthorizationCodeCredential(DOMAIN, PUBLIC, code, tenant.REDIRECT)
        self.check(credential, "https://graph.microsoft.com/Sites.Read.All")

    def test_virtual_machine(self):
        environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": tenant.ENDPOINTS["metadata"]}
        with mock.patch.dict(os.environ, environment):
            self.check(ManagedIdentityCredential())

    def test_app_service(self):
        policy = tenant.control("GET", "/entra")
        environment = {
            "IDENTITY_ENDPOINT": tenant.ENDPOINTS["metadata"] + "/msi/token",
            "IDENTITY_HEADER": policy["identity_header"],
        }
        with mock.patch.dict(os.environ, environment):
            self.check(ManagedIdentityCredential())


class Graph(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.credential = AsyncClientSecretCredential(DOMAIN, APP, SECRET)
        self.graph = GraphServiceClient(self.credential, GRAPH)

    async def asyncTearDown(self):
        await self.credential.close()

    async def test_lists(self):
        parameters = ListsRequestBuilder.ListsRequestBuilderGetQueryParameters
        wish = RequestConfiguration(
            query_parameters=parameters(select=["displayName"], top=1)
        )
        lists = await self.graph.sites.by_site_id(tenant.SITE).lists.get(wish)
        self.assertEqual(len(lists.value), 1)
        self.assertTrue(lists.value[0].display_name)

    async def test_messages(self):
        parameters = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters
        wish = RequestConfiguration(query_parameters=parameters(select=["id"], top=1))
        user = self.graph.users.by_user_id(f"monitoring@{DOMAIN}")
        messages = await user.messages.get(wish)
        self.assertEqual(len(messages.value), 1)
        self.assertTrue(messages.value[0].id)

    async def test_error(self):
        with self.assertRaises(APIError) as caught:
            await self.graph.sites.by_site_id("contoso.sharepoint.com:/sites/none:").get()
        self.assertEqual(caught.exception.response_status_code, 404)
        self.assertEqual(caught.exception.error.code, "itemNotFound")


if __name__ == "__main__":
    unittest.main()
