"""What the kinds beyond sites and mailboxes read, as the Graph SDK for Python reads it:
every answer of the simulated tenant has the shape that Microsoft's own library expects."""

import asyncio
import pathlib
import unittest
import uuid

import requests
import tenant
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from msgraph import GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.users.item.calendar.get_schedule.get_schedule_post_request_body import (
    GetSchedulePostRequestBody,
)
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import (
    SendMailPostRequestBody,
)
from tenant import DOMAIN, ENDPOINTS, FOLDER, GRAPH, STEVE

SERVICES = ENDPOINTS["services_client_id"]
SECRET = (pathlib.Path(FOLDER) / ENDPOINTS["services_secret_file"]).read_text().strip()
ROOM = f"room-ams-4.12@{DOMAIN}"
MONITORING = f"monitoring@{DOMAIN}"
PROBE = f"probe@{DOMAIN}"


def at(hour):
    return DateTimeTimeZone(date_time=f"2026-11-30T{hour:02}:00:00", time_zone="UTC")


class Kinds(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.credential = ClientSecretCredential(DOMAIN, SERVICES, SECRET)
        self.graph = GraphServiceClient(self.credential, GRAPH)
        self.steve = self.graph.users.by_user_id(STEVE)

    async def asyncTearDown(self):
        await self.credential.close()

    async def test_teams(self):
        teams = tenant.control("GET", "/state")["teams"]
        team = next(one["id"] for one in teams if one["name"] == "Service Desk")
        channels = await self.graph.teams.by_team_id(team).channels.get()
        self.assertTrue(channels.value[0].id.startswith("19:"))
        primary = await self.graph.teams.by_team_id(team).primary_channel.get()
        self.assertEqual(primary.id, channels.value[0].id)
        other = next(one["id"] for one in teams if one["name"] == "Project X")
        with self.assertRaises(APIError) as caught:
            await self.graph.teams.by_team_id(other).channels.get()
        self.assertEqual(caught.exception.error.code, "Forbidden")

    async def test_calendar(self):
        events = await self.steve.calendar.events.get()
        self.assertTrue(events.value[0].id)
        self.assertEqual(events.value[0].start.time_zone, "UTC")

    async def test_schedule(self):
        body = GetSchedulePostRequestBody(
            schedules=[ROOM, "nobody@contoso.com"],
            start_time=at(9),
            end_time=at(10),
            availability_view_interval=60,
        )
        answer = await self.steve.calendar.get_schedule.post(body)
        self.assertEqual(answer.value[0].availability_view, "2")
        self.assertEqual(answer.value[0].schedule_items[0].status.value, "busy")
        self.assertEqual(answer.value[1].error.response_code, "5009")

    async def test_drive(self):
        name = "contoso-my.sharepoint.com:/personal/steve_contoso_onmicrosoft_com:"
        drive = await self.graph.sites.by_site_id(name).drive.get()
        self.assertEqual(drive.drive_type, "business")
        self.assertEqual(drive.quota.state, "normal")

    async def test_file(self):
        site = await self.graph.sites.by_site_id("contoso.sharepoint.com:/sites/monitoring:").get()
        drive = await self.graph.sites.by_site_id(site.id).drive.get()
        items = self.graph.drives.by_drive_id(drive.id).items
        file = items.by_drive_item_id(f"root:/m365mon/{uuid.uuid4()}.txt:")
        made = await file.content.put(b"a kilobyte")
        self.assertEqual(made.size, 10)
        # Through the redirect, to another address.
        content = await items.by_drive_item_id(made.id).content.get()
        self.assertEqual(content, b"a kilobyte")
        await items.by_drive_item_id(made.id).delete()
        with self.assertRaises(APIError) as caught:
            await items.by_drive_item_id(made.id).get()
        self.assertEqual(caught.exception.error.code, "itemNotFound")

    async def test_presence(self):
        users = tenant.control("GET", "/state")["users"]["some"]
        steve = next(one["id"] for one in users if one["upn"] == STEVE)
        presence = await self.graph.users.by_user_id(steve).presence.get()
        self.assertEqual(presence.availability, "Offline")

    async def test_applications(self):
        own = await self.graph.applications_with_app_id(SERVICES).get()
        self.assertTrue(own.password_credentials[0].end_date_time)
        principal = await self.graph.service_principals_with_app_id(SERVICES).get()
        self.assertEqual(principal.app_id, SERVICES)
        every = await self.graph.applications.get()
        self.assertGreater(len(every.value), 3)

    async def test_licences(self):
        skus = await self.graph.subscribed_skus.get()
        units = {sku.sku_part_number: sku.prepaid_units for sku in skus.value}
        self.assertEqual(units["SPE_E3"].enabled, 425)
        subscriptions = await self.graph.directory.subscriptions.get()
        ends = [one.next_lifecycle_date_time for one in subscriptions.value]
        self.assertIn(None, ends)
        self.assertTrue(any(ends))

    async def test_organization(self):
        organization = await self.graph.organization.get()
        self.assertTrue(organization.value[0].on_premises_sync_enabled)
        self.assertTrue(organization.value[0].on_premises_last_sync_date_time)

    async def test_announcements(self):
        announcement = self.graph.admin.service_announcement
        overviews = await announcement.health_overviews.get()
        self.assertIn("Exchange", [one.id for one in overviews.value])
        issues = await announcement.issues.get()
        self.assertIn(None, [one.end_date_time for one in issues.value])
        messages = await announcement.messages.get()
        self.assertTrue(messages.value[0].action_required_by_date_time)

    async def test_apple(self):
        certificate = await self.graph.device_management.apple_push_notification_certificate.get()
        self.assertTrue(certificate.expiration_date_time)

    async def test_mail(self):
        tenant.control("POST", "/mail", {"delay": "0s"})
        subject = f"m365mon-{uuid.uuid4().hex[:16]}"
        to = Recipient(email_address=EmailAddress(address=PROBE))
        message = Message(
            subject=subject,
            body=ItemBody(content_type=BodyType.Text, content="m365mon"),
            to_recipients=[to],
        )
        body = SendMailPostRequestBody(message=message, save_to_sent_items=False)
        await self.graph.users.by_user_id(MONITORING).send_mail.post(body)
        messages = self.graph.users.by_user_id(PROBE).messages
        found = await messages.get()
        mine = [one for one in found.value if one.subject == subject]
        self.assertEqual(len(mine), 1)
        await messages.by_message_id(mine[0].id).permanent_delete.post()

    async def test_batch(self):
        token = (await self.credential.get_token(GRAPH[0])).token
        asked = [
            {"id": "1", "method": "GET", "url": "/organization?$select=id"},
            {"id": "2", "method": "GET", "url": "/subscribedSkus?$select=id"},
        ]
        answer = await asyncio.to_thread(
            requests.post,
            "https://graph.microsoft.com/v1.0/$batch",
            json={"requests": asked},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        statuses = {one["id"]: one["status"] for one in answer.json()["responses"]}
        self.assertEqual(statuses, {"1": 200, "2": 200})


class Endpoints(unittest.TestCase):
    def test_version(self):
        url = "https://endpoints.office.com/version/Worldwide"
        answer = requests.get(url, params={"clientrequestid": str(uuid.uuid4())}, timeout=30)
        self.assertEqual(answer.json()["instance"], "Worldwide")
        self.assertEqual(requests.get(url, timeout=30).status_code, 400)


if __name__ == "__main__":
    unittest.main()
