//! `apple_push_certificate`: when does the certificate end with which Intune
//! reaches Apple's devices? Its end is asked for; the Apple account behind it
//! never is.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::ask::{Answer, Ask, Findings, Stopped};
use super::body;
use super::lenient::Moment;
use super::reading::{Reading, ReadingUnit};
use super::{
    Advice, BadBody, Define, Grant, Impact, Info, Keys, Permission, ProbeFuture, Refusals, Refused,
    Request, ServiceError, Spec, UNADDRESSED,
};
use crate::model::{Account, Reason, Sample, Service};

/// Intune's certificate for Apple's push notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplePushCertificate;

const EXPIRY: u8 = 0;
static READINGS: &[Reading] = &[Reading {
    metric: "m365_apple_push_certificate_expiry_timestamp_seconds",
    unit: ReadingUnit::Seconds,
    labels: &[],
    help: "When Intune's certificate for Apple's push notifications ends; absent where none was ever uploaded.",
    most: 1,
}];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    #[serde(default)]
    expiration_date_time: Moment,
}

impl Define for ApplePushCertificate {
    const INFO: &'static Info = &Info {
        name: "apple_push_certificate",
        title: "Apple push certificate",
        help: "Asks when Intune's certificate for Apple's push notifications ends.",
        proves: "Intune answers; the end of the certificate is a reading.",
        proves_not: "That Apple still takes it, that a device is reached.",
        holds: "certificate",
        service: Service::Security,
        refusals: Refusals {
            people: ", or a role of Intune that lets the person read it",
            applications: ", or the tenant has no Intune",
            not_found: NO_INTUNE,
        },
        readings: READINGS,
        interval: Some(Duration::from_secs(3_600)),
        impact: Impact::Housekeeping,
        microsoft_service: "Intune",
        example: "{name: apple-push, account: contoso, kind: apple_push_certificate}",
        ..Info::USUAL
    };

    fn read(_: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        Some(Self)
    }
}

impl Spec for ApplePushCertificate {
    fn target(&self) -> Cow<'_, str> {
        "Apple's push certificate".into()
    }

    fn permissions(&self, account: &Account) -> Vec<Permission> {
        vec![
            Permission::of_graph(
                account,
                "DeviceManagementServiceConfig.Read.All",
                "reads when the certificate ends; there is nothing narrower",
            )
            .broader(&["DeviceManagementServiceConfig.ReadWrite.All"]),
        ]
    }

    /// Microsoft Graph "Get applePushNotificationCertificate". A 404 may be an
    /// answer: see [`Self::probe`].
    fn request(&self, account: &Account) -> Option<Request> {
        let path = "/deviceManagement/applePushNotificationCertificate";
        let query = "$select=id,expirationDateTime";
        let request = Request::of_graph(&account.cloud, path, query)?;
        Some(request.expecting(&[200, 404]))
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let certificate: Certificate = body::object(Self::INFO.holds, answer)?;
        let end = certificate.expiration_date_time.seconds();
        Ok(Findings::of(end.map(|end| Sample::plain(EXPIRY, end))))
    }

    fn advise(&self, account: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let permissions = self.permissions(account);
        let refusals = &Self::INFO.refusals;
        refusals.advise(account, &permissions, refused)
    }

    /// Intune's own 401 means that a right is missing, where others say 403; that of
    /// Graph's gateway is about the token.
    fn reason(&self, _: &Account, reason: Reason, error: &ServiceError) -> Reason {
        let of_the_token = error.code().is_none() || error.has("InvalidAuthenticationToken");
        if reason == Reason::Unauthorized && !of_the_token {
            return Reason::Forbidden;
        }
        reason
    }

    fn grants(&self, account: &Account) -> Vec<Grant> {
        // Microsoft Learn, "Role-based access control (RBAC) with Microsoft Intune": a
        // person must hold a role there as well.
        let person = account.person().map(|person| {
            let how = format!(
                "{} needs a role in Intune that reads, such as Read Only Operator; an application \
                 needs none",
                person.username
            );
            Grant::ByHand(how.into())
        });
        person.into_iter().collect()
    }

    fn probe<'a>(&'a self, account: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let request = self.request(account).ok_or(UNADDRESSED)?;
            let answer = ask.send("", request).await?;
            if answer.status != 404 {
                return Ok(self.judge(&answer)?);
            }
            // None was ever uploaded, says Intune by this code.
            if answer.error.has("ResourceNotFound") {
                Ok(Findings::default())
            } else {
                Err(Stopped::judged(Reason::NotFound, NO_INTUNE))
            }
        })
    }
}

const NO_INTUNE: &str = "Intune is not there; does the tenant have it?";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, value, with_status};

    #[tokio::test]
    async fn its_end() {
        for (body, end) in [
            (
                r#"{"id":"1","expirationDateTime":"2026-11-30T07:12:41.1Z","appleIdentifier":"canary@contoso.com"}"#,
                Some(1_796_022_761.0),
            ),
            (
                r#"{"id":"1","expirationDateTime":"0001-01-01T00:00:00Z"}"#,
                None,
            ),
            (r#"{"id":"1","expirationDateTime":null}"#, None),
            (r#"{"id":"1"}"#, None),
        ] {
            let mut script = ScriptedAsk::of([answer(body)]);
            let found = script.probe(&ApplePushCertificate).await.unwrap().readings;
            assert_eq!(value(&found, EXPIRY, &[]), end, "{body}");
        }
    }

    /// Recorded: Intune says so where none was ever uploaded.
    #[tokio::test]
    async fn none_was_ever_uploaded() {
        let body = r#"{"error":{"code":"ResourceNotFound","message":"{\r\n  \"_version\": 3,\r\n  \"RetryAfter\": null\r\n}","innerError":{"date":"2026-11-30T09:00:01"}}}"#;
        let mut script = ScriptedAsk::of([with_status(404, body)]);
        let found = script.probe(&ApplePushCertificate).await.unwrap();
        assert_eq!(found, Findings::default());
        for body in [r#"{"error":{"code":"UnknownError","message":""}}"#, ""] {
            let mut script = ScriptedAsk::of([with_status(404, body)]);
            let stopped = script.probe(&ApplePushCertificate).await.unwrap_err();
            assert_eq!(
                stopped,
                Stopped::judged(Reason::NotFound, NO_INTUNE),
                "{body}"
            );
        }
    }

    /// Intune's own 401 is about a right, that of Graph's gateway about the token.
    #[test]
    fn what_401_means() {
        let account = crate::fixtures::delegated("steve", "steve@contoso.com");
        for (body, reason) in [
            (
                r#"{"error":{"code":"Unauthorized","message":"{\r\n  \"_version\": 3\r\n}"}}"#,
                Reason::Forbidden,
            ),
            (
                r#"{"error":{"code":"InvalidAuthenticationToken","message":"x"}}"#,
                Reason::Unauthorized,
            ),
            ("", Reason::Unauthorized),
        ] {
            let error = ServiceError::read(body.as_bytes());
            let found = ApplePushCertificate.reason(&account, Reason::Unauthorized, &error);
            assert_eq!(found, reason, "{body}");
        }
    }

    #[tokio::test]
    async fn an_error_in_a_success() {
        for body in [r#"{"error":{"code":"x"}}"#, "[]", ""] {
            let mut script = ScriptedAsk::of([answer(body)]);
            let stopped = script.probe(&ApplePushCertificate).await.unwrap_err();
            assert!(matches!(stopped, Stopped::Bad(_)), "{body}");
        }
    }
}
