//! Signing in on another device (RFC 8628).

use std::time::Duration;

use oauth2::StandardDeviceAuthorizationResponse as Device;
use serde_json::Value;
use tokio::time::Instant;

use super::answer::Granted;
use super::classify::{TokenRefusal, classify};
use super::client_credentials::{application, prove};
use super::clouds;
use super::consent::{Consent, ConsentError, SignedInAs, Wanted};
use crate::model::{Account, AccountReason, TokenProblem, bounded_text};

const LONGEST_LIFE: u64 = 3600;
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// RFC 8628 section 3.5: what `slow_down` adds.
const SLOWER: Duration = Duration::from_secs(5);

/// A code that a person is to enter somewhere else.
pub struct DeviceCode {
    device: Device,
    wanted: Wanted,
    deadline: Instant,
    message: String,
}

impl DeviceCode {
    /// Where to go.
    #[must_use]
    pub fn verification_uri(&self) -> &str {
        self.device.verification_uri().as_str()
    }

    /// What to enter there. Not a secret for the person who reads it, but
    /// nothing for a log.
    #[must_use]
    pub fn user_code(&self) -> &str {
        self.device.user_code().secret()
    }

    /// Entra's sentence that says both.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// How long the code lives from when it was given.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.device.expires_in()
    }
}

impl std::fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceCode")
    }
}

impl Consent {
    /// Asks for a code (RFC 8628 section 3.1).
    ///
    /// # Errors
    /// When the account is not delegated, or Entra gives none.
    pub async fn device_code(
        &self,
        account: &Account,
        wanted: &Wanted,
    ) -> Result<DeviceCode, ConsentError> {
        let scopes = Self::first_scopes(account, wanted);
        self.ask_for_code(account, wanted, &scopes).await
    }

    /// The same with other scopes than those of a sign-in that stays.
    pub(super) async fn ask_for_code(
        &self,
        account: &Account,
        wanted: &Wanted,
        scopes: &str,
    ) -> Result<DeviceCode, ConsentError> {
        let credential = Self::credential(account)?;
        let application = application(account)?;
        let now = self.client.clock.now();
        let (proof, _) = prove(&self.client, &application, &credential, now).await?;
        let form = application.device_code(&proof, scopes);
        let answer = self.client.post(form).await?;
        if answer.status != 200 {
            let mut refusal = classify(&answer, true, self.client.clock.now());
            clouds::name_it(&self.client, account, &mut refusal).await;
            return Err(explained(refusal));
        }
        let Some((device, message)) = read(&answer.body) else {
            return Err(ConsentError::Refused(TokenProblem {
                reason: AccountReason::BadResponse,
                code: None,
                detail: "the device code endpoint answered status 200, but not with a code".into(),
            }));
        };
        Ok(DeviceCode {
            deadline: Instant::now() + device.expires_in(),
            wanted: wanted.clone(),
            device,
            message,
        })
    }

    /// Polls until the person is done (RFC 8628 sections 3.4 and 3.5), checks
    /// who it was, and keeps the sign-in.
    ///
    /// # Errors
    /// When it was declined, too late, the wrong person, or cannot be kept.
    pub async fn finish_device(
        &self,
        account: &Account,
        code: DeviceCode,
    ) -> Result<SignedInAs, ConsentError> {
        let granted = self.poll(account, &code).await?;
        self.conclude(account, &code.wanted, granted, None).await
    }

    /// Polls until there is an answer for good; what it brings is unchecked.
    pub(super) async fn poll(
        &self,
        account: &Account,
        code: &DeviceCode,
    ) -> Result<Granted, ConsentError> {
        let application = application(account)?;
        let credential = Self::credential(account)?;
        let mut interval = code
            .device
            .interval()
            .clamp(Duration::from_secs(1), LONGEST_INTERVAL);
        loop {
            if Instant::now() + interval >= code.deadline {
                return Err(ConsentError::Expired);
            }
            tokio::time::sleep(interval).await;
            let now = self.client.clock.now();
            let (proof, _) = prove(&self.client, &application, &credential, now).await?;
            let form = application.device_poll(&proof, &code.device);
            let refusal = match self.client.ask(form, true).await {
                Ok(granted) => return Ok(granted),
                Err(refusal) => refusal,
            };
            match (refusal.error.as_deref(), refusal.problem.reason) {
                (Some("authorization_pending"), _) => {}
                (Some("slow_down"), _) => interval = (interval + SLOWER).min(LONGEST_INTERVAL),
                (Some("authorization_declined" | "access_denied"), _) => {
                    return Err(ConsentError::Declined);
                }
                (Some("expired_token" | "code_expired"), _) => return Err(ConsentError::Expired),
                // No answer, or a service that is not well: less often, as
                // RFC 8628 says for timeouts.
                (
                    _,
                    AccountReason::Dns
                    | AccountReason::Connect
                    | AccountReason::Tls
                    | AccountReason::Proxy
                    | AccountReason::Timeout
                    | AccountReason::ServerError
                    | AccountReason::Throttled,
                ) => {
                    tracing::debug!(problem = %refusal.problem, "polling goes on");
                    interval = (interval * 2)
                        .max(refusal.retry_after.unwrap_or_default())
                        .min(LONGEST_INTERVAL);
                }
                _ => return Err(explained(refusal)),
            }
        }
    }
}

/// Many tenants block this very flow: say so, and what else there is.
fn explained(mut refusal: TokenRefusal) -> ConsentError {
    if matches!(
        refusal.problem.code,
        Some(50_199 | 53_000..=53_011 | 530_031..=530_035)
    ) {
        refusal.problem.detail.push_str(
            "; many tenants block the device code flow: sign in with a browser instead, \
             by `m365mon login` without --device-code or on the account's page",
        );
    }
    refusal.into()
}

/// Reads the answer to a request for a code; numbers may be written as strings.
pub(super) fn read(body: &[u8]) -> Option<(Device, String)> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object_mut()?;
    for (name, most) in [("expires_in", LONGEST_LIFE), ("interval", 60)] {
        let number = match object.get(name) {
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        match number {
            Some(number) => object.insert(name.to_owned(), number.min(most).into()),
            None => object.remove(name),
        };
    }
    object.entry("expires_in").or_insert(900.into());
    let message = object
        .get("message")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let device: Device = serde_json::from_value(value).ok()?;
    let message = message.unwrap_or_else(|| {
        format!(
            "To sign in, open {} in a browser and enter the code {}.",
            device.verification_uri().as_str(),
            device.user_code().secret()
        )
    });
    Some((device, bounded_text(&message, 500)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_any_spelling() {
        let (device, message) = read(
            br#"{"user_code":"U","device_code":"D","verification_uri":"https://microsoft.com/devicelogin",
                "expires_in":900,"interval":5,"message":"Go there."}"#,
        )
        .unwrap();
        assert_eq!(device.interval(), Duration::from_secs(5));
        assert_eq!(message, "Go there.");
        let (device, message) = read(
            br#"{"user_code":"U","device_code":"D","verification_url":"https://x/","expires_in":"90000"}"#,
        )
        .unwrap();
        assert_eq!(device.expires_in(), Duration::from_secs(3600));
        assert_eq!(device.interval(), Duration::from_secs(5));
        assert_eq!(
            message,
            "To sign in, open https://x/ in a browser and enter the code U."
        );
        assert!(read(b"{}").is_none());
        assert!(read(b"[1]").is_none());
    }
}
