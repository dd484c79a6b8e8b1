//! What an error body says, reduced to what we know: codes from a closed list
//! and a few sentences. Everything else in it may name people or sites and
//! goes no further than this file.

use serde_json::Value;

use crate::model::is_guid;

/// How often a message that is JSON is unwrapped.
const MOST_WRAPPED: usize = 2;
/// How deep `innerError` is followed.
const DEEPEST: usize = 8;

/// Codes that mean something to us or to a reader (Microsoft Graph "Error
/// responses and resource types", SharePoint's REST), as they are spelled.
const KNOWN: &[&str] = &[
    "accessDenied",
    "activityLimitReached",
    "ApplicationThrottled",
    "AuthenticationError",
    "Authorization_IdentityNotFound",
    "Authorization_RequestDenied",
    "BadGateway",
    "BadRequest",
    "ErrorAccessDenied",
    "ErrorExceededConnectionCount",
    "ErrorExceededMessageLimit",
    "ErrorFolderNotFound",
    "ErrorIncorrectRoutingHint",
    "ErrorInternalServerError",
    "ErrorInvalidIdMalformed",
    "ErrorInvalidRecipients",
    "ErrorInvalidUser",
    "ErrorItemNotFound",
    "ErrorMailboxMoveInProgress",
    "ErrorMailboxStoreUnavailable",
    "ErrorMessageSubmissionBlocked",
    "ErrorNonExistentMailbox",
    "ErrorQuotaExceeded",
    "ErrorSendAsDenied",
    "ErrorServerBusy",
    "ErrorSubmissionQuotaExceeded",
    "extensionError",
    "Forbidden",
    "GatewayTimeout",
    "generalException",
    "insufficientClaims",
    "InternalServerError",
    "InvalidAuthenticationToken",
    "invalidRange",
    "invalidRequest",
    "itemNotFound",
    "lockedSite",
    "MailboxInfoStale",
    "MailboxNotEnabledForRESTAPI",
    "MailboxNotSupportedForRESTAPI",
    "malwareDetected",
    "nameAlreadyExists",
    "notAllowed",
    "NotFound",
    "notSupported",
    "OrganizationFromTenantGuidNotFound",
    "quotaLimitReached",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "resourceLocked",
    "resourceModified",
    "ResourceNotFound",
    "resyncRequired",
    "serviceNotAvailable",
    "ServiceUnavailable",
    "syncStateNotFound",
    "throttledRequest",
    "TooManyRequests",
    "unauthenticated",
    "Unauthorized",
    "UnknownError",
    // SharePoint's REST: the class after the comma.
    "Microsoft.SharePoint.Client.ResourceNotFoundException",
    "Microsoft.SharePoint.SPException",
    "Microsoft.SharePoint.SPQueryThrottledException",
    "System.ArgumentException",
    "System.IO.FileNotFoundException",
    "System.UnauthorizedAccessException",
];

/// Sentences of the services that say more than their code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownMessage {
    /// SharePoint takes no app-only token made with a secret.
    UnsupportedAppOnlyToken,
    /// SharePoint takes no token of this sort.
    TokenTypeNotAllowed,
    /// SharePoint throttles, with whatever status.
    TooManyRequests,
    /// The site's host belongs to another tenant.
    HostOfAnotherTenant,
    /// The tenant has no SharePoint.
    NoSharePointLicence,
    /// `/me` with an app-only token.
    MeNeedsAPerson,
    /// An application access policy of Exchange keeps us out.
    BlockedByAccessPolicy,
    /// The token is for another audience.
    WrongAudience,
    /// The token holds no permission at all.
    NoPermissionInToken,
    /// More than four requests at once on one mailbox.
    MailboxConcurrency,
    /// The site is locked or archived, in SharePoint's own words, which come with the
    /// status and the code of a missing right.
    SiteBlocked,
}

/// In lower case.
const TEXTS: &[(&str, KnownMessage)] = &[
    (
        "unsupported app only token",
        KnownMessage::UnsupportedAppOnlyToken,
    ),
    (
        "token type is not allowed",
        KnownMessage::TokenTypeNotAllowed,
    ),
    ("429 too many requests", KnownMessage::TooManyRequests),
    (
        "invalid hostname for this tenancy",
        KnownMessage::HostOfAnotherTenant,
    ),
    (
        "does not have a spo license",
        KnownMessage::NoSharePointLicence,
    ),
    (
        "only valid with delegated authentication flow",
        KnownMessage::MeNeedsAPerson,
    ),
    (
        "access to odata is disabled",
        KnownMessage::BlockedByAccessPolicy,
    ),
    ("audienceurivalidationfailed", KnownMessage::WrongAudience),
    ("invalid audience", KnownMessage::WrongAudience),
    (
        "either scp or roles claim",
        KnownMessage::NoPermissionInToken,
    ),
    ("mailboxconcurrency limit", KnownMessage::MailboxConcurrency),
    (
        "access to this web site has been blocked",
        KnownMessage::SiteBlocked,
    ),
];

/// What is known of an error body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceError {
    /// Known codes, the outermost first.
    codes: Vec<&'static str>,
    /// A known sentence.
    pub text: Option<KnownMessage>,
}

impl ServiceError {
    /// Reads a body of any kind; nothing in it is an error of ours. Graph
    /// nests `innerError` (or `innererror`), SharePoint writes `odata.error`
    /// or verbose `error`, and gateways write HTML or nothing.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let mut codes = Vec::new();
        let mut body_in_body = serde_json::from_slice(body).ok();
        // Service health wraps the answer of the service behind it as a text.
        for _ in 0..=MOST_WRAPPED {
            let Some(Value::Object(root)) = body_in_body.take() else {
                break;
            };
            let mut message = root.get("message");
            let mut level = ["error", "odata.error"].iter().find_map(|k| root.get(*k));
            // Intune writes the last one, in messages of its messages.
            let mut names = ["code", "errorCode", "ErrorCode"].iter();
            if let Some(Value::String(code)) = names.find_map(|name| root.get(*name)) {
                codes.extend(known(code));
            }
            for _ in 0..DEEPEST {
                let Some(Value::Object(error)) = level else {
                    break;
                };
                if let Some(Value::String(code)) = error.get("code") {
                    codes.extend(known(code));
                }
                message = error.get("message").or(message);
                level = error
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case("innererror"))
                    .map(|(_, inner)| inner);
            }
            body_in_body = message
                .and_then(Value::as_str)
                .filter(|text| text.trim_start().starts_with('{'))
                .and_then(|text| serde_json::from_str(text).ok());
        }
        Self {
            codes,
            text: known_text(&String::from_utf8_lossy(body)),
        }
    }

    /// Adds what SharePoint says in `x-ms-diagnostics`, which comes without a
    /// body.
    #[must_use]
    pub fn or_header(mut self, diagnostics: Option<&str>) -> Self {
        self.text = self.text.or_else(|| known_text(diagnostics?));
        self
    }

    /// The most specific known code.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.codes.last().copied()
    }

    /// True if one of the levels has this code; `code` in any case.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.eq_ignore_ascii_case(code))
    }
}

/// True if a body is in one of the shapes in which Microsoft's services write
/// errors, whatever it says: `error` (an object, or OAuth's text), SharePoint's
/// `odata.error` and lone `error_description`, `errorCode`, or a JSON text.
#[must_use]
pub fn is_service_error(body: &[u8]) -> bool {
    const MEMBERS: [&str; 4] = ["error", "odata.error", "error_description", "errorCode"];
    match serde_json::from_slice(body) {
        Ok(Value::Object(root)) => MEMBERS.iter().any(|name| root.contains_key(*name)),
        Ok(Value::String(_)) => true,
        _ => false,
    }
}

/// True if a body is an error that only Microsoft's services write: with the GUID of the
/// request in Graph's `innerError`, or with those that Entra names `trace_id` and
/// `correlation_id`. A proxy on the way may take headers off; this it leaves.
#[must_use]
pub fn is_signed_error(body: &[u8]) -> bool {
    let Ok(Value::Object(root)) = serde_json::from_slice(body) else {
        return false;
    };
    let is_id = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(is_guid);
    if is_id(root.get("trace_id")) && is_id(root.get("correlation_id")) {
        return true;
    }
    let inner = root.get("error").and_then(|error| {
        let error = error.as_object()?;
        // Spelled in both ways, within one service.
        error.get("innerError").or_else(|| error.get("innererror"))
    });
    inner.is_some_and(|inner| {
        is_id(inner.get("request-id")) || is_id(inner.get("client-request-id"))
    })
}

fn known(code: &str) -> Option<&'static str> {
    // SharePoint: `-2147024891, System.UnauthorizedAccessException`.
    let code = code.rsplit(',').next().unwrap_or(code).trim();
    KNOWN
        .iter()
        .find(|known| known.eq_ignore_ascii_case(code))
        .copied()
}

fn known_text(text: &str) -> Option<KnownMessage> {
    let text = text.to_ascii_lowercase();
    TEXTS
        .iter()
        .find(|(words, _)| text.contains(words))
        .map(|(_, known)| *known)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(body: &str) -> Option<&'static str> {
        ServiceError::read(body.as_bytes()).code()
    }

    #[test]
    fn the_most_specific_known_code() {
        for (body, wanted) in [
            (
                r#"{"error":{"code":"ItemNotFound","message":"x"}}"#,
                Some("itemNotFound"),
            ),
            (
                r#"{"error":{"code":"notAllowed","innerError":{"code":"resourceLocked"}}}"#,
                Some("resourceLocked"),
            ),
            (
                r#"{"error":{"code":"activityLimitReached","innererror":{"code":"throttledRequest","innererror":{"code":"quota"}}}}"#,
                Some("throttledRequest"),
            ),
            (
                r#"{"error":{"code":"UnknownError","message":""}}"#,
                Some("UnknownError"),
            ),
            (
                r#"{"odata.error":{"code":"-2147024891, System.UnauthorizedAccessException","message":{"lang":"en-US","value":"x"}}}"#,
                Some("System.UnauthorizedAccessException"),
            ),
            (
                r#"{"error":{"code":"-2147024891, System.UnauthorizedAccessException"}}"#,
                Some("System.UnauthorizedAccessException"),
            ),
            (r#"{"error":{"code":"steve@contoso.com"}}"#, None),
            (r#"{"error":{"code":7}}"#, None),
            (r#"{"error":"invalid_request"}"#, None),
            ("404 FILE NOT FOUND", None),
            ("<html>", None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(code(body), wanted, "{body}");
        }
    }

    /// As Intune refuses people without a role, in a message of a message.
    #[test]
    fn a_code_in_a_message() {
        let inner = r#"{"ErrorCode":"Forbidden","Message":"{\r\n  \"_version\": 3\r\n}"}"#;
        let body = serde_json::json!({"error": {"code": "UnknownError", "message": inner}});
        let error = ServiceError::read(body.to_string().as_bytes());
        assert!(error.has("UnknownError"), "{error:?}");
        assert_eq!(error.code(), Some("Forbidden"));
    }

    #[test]
    fn sentences() {
        let text = |body: &str| ServiceError::read(body.as_bytes()).text;
        assert_eq!(
            text("Unsupported app only token."),
            Some(KnownMessage::UnsupportedAppOnlyToken)
        );
        let audience = r#"{"error_description":"Exception of type 'Microsoft.IdentityModel.Tokens.AudienceUriValidationFailedException' was thrown."}"#;
        assert_eq!(text(audience), Some(KnownMessage::WrongAudience));
        let silent = ServiceError::read(b"")
            .or_header(Some("3001000;reason=\"Unsupported App Only Token\""));
        assert_eq!(silent.text, Some(KnownMessage::UnsupportedAppOnlyToken));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = r#"{"code":"notAllowed","innerError":"#.repeat(60) + "{}" + &"}".repeat(60);
        let body = format!(r#"{{"error":{deep}}}"#);
        let error = ServiceError::read(body.as_bytes());
        assert_eq!(error.codes.len(), DEEPEST);
        let bottomless = r#"{"error":"#.repeat(10_000);
        assert_eq!(
            ServiceError::read(bottomless.as_bytes()),
            ServiceError::default()
        );
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            _ = ServiceError::read(&body);
        }
    }
}
