//! From an answer to its one verdict: the table of outcomes and reasons.

use http::HeaderMap;

use super::origin::{Origin, leads_to_throttle_page};
use super::throttling;
use crate::http::BodyEnd;
use crate::kinds::{KnownMessage, ServiceError};
use crate::model::{Reason, Verdict};

/// Codes by which a 503 names us, not itself.
const ASKS_US_TO_SLOW_DOWN: [&str; 4] = [
    "activityLimitReached",
    "throttledRequest",
    "ApplicationThrottled",
    "TooManyRequests",
];

/// What an answer means. One whose status the request expects, whose body is whole
/// and which is the service's own is a success as far as can be seen here; the kind
/// looks into it. Any other status is judged as it is, however its body ended. For a 401 it is the
/// verdict on the last one: renewing the token is the asker's business.
#[must_use]
pub fn verdict(
    status: u16,
    expected: bool,
    headers: &HeaderMap,
    error: &ServiceError,
    body_end: BodyEnd,
    origin: Origin,
    proxied: bool,
) -> Verdict {
    let has = |code| error.has(code);
    let reason = match status {
        // SharePoint throttles in disguise too: before any token is renewed, and
        // before a redirect is taken for the one that was asked for.
        300..=399 if leads_to_throttle_page(status, headers) => Reason::Throttled,
        401 if error.text == Some(KnownMessage::TooManyRequests) => Reason::Throttled,
        _ if expected && origin == Origin::Service => match body_end {
            BodyEnd::Complete => return Verdict::Success,
            BodyEnd::TimedOut => Reason::Timeout,
            BodyEnd::TooLarge | BodyEnd::Broken => Reason::BadResponse,
        },
        407 => Reason::Proxy,
        // What a box on the way says is no word of the service's.
        _ if origin == Origin::NamedBox => Reason::Proxy,
        _ if origin == Origin::SilentBox => match proxied {
            true => Reason::Proxy,
            false => Reason::BadResponse,
        },
        400 | 405 | 406 | 414 => Reason::Rejected,
        // Exchange says so when a role is missing, and SharePoint when the
        // token was made with a secret: no fresh token will help.
        401 if has("UnknownError")
            || has("OrganizationFromTenantGuidNotFound")
            || matches!(
                error.text,
                Some(KnownMessage::UnsupportedAppOnlyToken | KnownMessage::TokenTypeNotAllowed)
            ) =>
        {
            Reason::Forbidden
        }
        401 => Reason::Unauthorized,
        403 if has("resourceLocked") || error.text == Some(KnownMessage::SiteBlocked) => {
            Reason::Locked
        }
        403 if has("notAllowed") => Reason::Rejected,
        403 => Reason::Forbidden,
        404 => Reason::NotFound,
        423 => Reason::Locked,
        429 | 509 => Reason::Throttled,
        503 if throttling::names_us(headers) || ASKS_US_TO_SLOW_DOWN.into_iter().any(has) => {
            Reason::Throttled
        }
        500..=599 => Reason::ServerError,
        _ => Reason::UnexpectedStatus,
    };
    Verdict::Problem(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, headers, body, and what it means.
    type Case = (
        u16,
        &'static [(&'static str, &'static str)],
        &'static str,
        Option<Reason>,
    );

    /// A redirect is expected where a download begins with one.
    #[test]
    fn what_is_expected_may_still_be_throttling() {
        let of = |status, location: &'static str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("location", location.parse().unwrap());
            let error = ServiceError::read(body.as_bytes());
            let (end, origin) = (BodyEnd::Complete, Origin::Service);
            verdict(status, true, &headers, &error, end, origin, false)
        };
        let throttled = Verdict::Problem(Reason::Throttled);
        for page in [
            "/_layouts/15/Throttle.htm",
            "https://contoso.sharepoint.com/x/fraudthrottle.htm?x=1",
        ] {
            assert_eq!(of(302, page, ""), throttled, "{page}");
        }
        assert_eq!(
            of(302, "https://contoso.sharepoint.com/download", ""),
            Verdict::Success
        );
        assert_eq!(of(401, "/", "429 TOO MANY REQUESTS"), throttled);
        assert_eq!(of(401, "/", "something else"), Verdict::Success);
    }

    #[test]
    fn every_answer_has_its_reason() {
        use Reason::*;
        let cases: &[Case] = &[
            (200, &[], "{}", Some(UnexpectedStatus)),
            (101, &[], "", Some(UnexpectedStatus)),
            (201, &[], "", Some(UnexpectedStatus)),
            (202, &[], "", Some(UnexpectedStatus)),
            (204, &[], "", Some(UnexpectedStatus)),
            (206, &[], "", Some(UnexpectedStatus)),
            (
                301,
                &[("location", "https://contoso.com")],
                "",
                Some(UnexpectedStatus),
            ),
            (302, &[], "", Some(UnexpectedStatus)),
            (304, &[], "", Some(UnexpectedStatus)),
            (
                400,
                &[],
                r#"{"error":{"code":"invalidRequest"}}"#,
                Some(Rejected),
            ),
            (
                400,
                &[],
                r#"{"error":{"code":"BadRequest"}}"#,
                Some(Rejected),
            ),
            (405, &[], "", Some(Rejected)),
            (406, &[], "", Some(Rejected)),
            (414, &[], "", Some(Rejected)),
            (
                401,
                &[],
                r#"{"error":{"code":"InvalidAuthenticationToken"}}"#,
                Some(Unauthorized),
            ),
            (
                401,
                &[],
                r#"{"error":{"code":"unauthenticated"}}"#,
                Some(Unauthorized),
            ),
            (401, &[], "", Some(Unauthorized)),
            (
                401,
                &[],
                r#"{"error":{"code":"UnknownError","message":""}}"#,
                Some(Forbidden),
            ),
            (
                401,
                &[],
                r#"{"error":{"code":"OrganizationFromTenantGuidNotFound"}}"#,
                Some(Forbidden),
            ),
            (401, &[], "Unsupported app only token.", Some(Forbidden)),
            (402, &[], "", Some(UnexpectedStatus)),
            (
                403,
                &[],
                r#"{"error":{"code":"accessDenied"}}"#,
                Some(Forbidden),
            ),
            (
                403,
                &[],
                r#"{"error":{"code":"Authorization_RequestDenied"}}"#,
                Some(Forbidden),
            ),
            (
                403,
                &[],
                r#"{"error":{"code":"ErrorAccessDenied"}}"#,
                Some(Forbidden),
            ),
            (403, &[], "<html>", Some(Forbidden)),
            (
                403,
                &[],
                r#"{"error":{"code":"notAllowed"}}"#,
                Some(Rejected),
            ),
            (
                403,
                &[],
                r#"{"error":{"code":"notAllowed","innerError":{"code":"resourceLocked"}}}"#,
                Some(Locked),
            ),
            (
                403,
                &[],
                r#"{"error":{"code":"resourceLocked"}}"#,
                Some(Locked),
            ),
            (
                403,
                &[],
                r#"{"odata.error":{"code":"-2147024891, System.UnauthorizedAccessException","message":{"lang":"en-US","value":"Access to this Web site has been blocked."}}}"#,
                Some(Locked),
            ),
            (
                404,
                &[],
                r#"{"error":{"code":"itemNotFound"}}"#,
                Some(NotFound),
            ),
            (
                404,
                &[],
                r#"{"error":{"code":"MailboxNotEnabledForRESTAPI"}}"#,
                Some(NotFound),
            ),
            (404, &[], "404 FILE NOT FOUND", Some(NotFound)),
            (407, &[], "", Some(Proxy)),
            (408, &[], "", Some(UnexpectedStatus)),
            (409, &[], "", Some(UnexpectedStatus)),
            (410, &[], "", Some(UnexpectedStatus)),
            (418, &[], "", Some(UnexpectedStatus)),
            (423, &[], "", Some(Locked)),
            (429, &[], "", Some(Throttled)),
            (
                429,
                &[("retry-after", "31")],
                r#"{"error":{"code":"TooManyRequests"}}"#,
                Some(Throttled),
            ),
            (451, &[], "", Some(UnexpectedStatus)),
            (
                500,
                &[],
                r#"{"error":{"code":"generalException"}}"#,
                Some(ServerError),
            ),
            (502, &[], "<html>", Some(ServerError)),
            (503, &[], "", Some(ServerError)),
            (503, &[("retry-after", "120")], "", Some(ServerError)),
            (
                503,
                &[],
                r#"{"error":{"code":"serviceNotAvailable"}}"#,
                Some(ServerError),
            ),
            (
                503,
                &[],
                r#"{"error":{"code":"MailboxInfoStale"}}"#,
                Some(ServerError),
            ),
            (
                503,
                &[],
                r#"{"error":{"code":"activityLimitReached"}}"#,
                Some(Throttled),
            ),
            (
                503,
                &[],
                r#"{"error":{"code":"x","innerError":{"code":"THROTTLEDREQUEST"}}}"#,
                Some(Throttled),
            ),
            (
                503,
                &[],
                r#"{"error":{"code":"ApplicationThrottled"}}"#,
                Some(Throttled),
            ),
            (
                503,
                &[],
                r#"{"error":{"code":"TooManyRequests"}}"#,
                Some(Throttled),
            ),
            (
                503,
                &[("x-ms-throttle-scope", "Tenant")],
                "",
                Some(Throttled),
            ),
            (503, &[("ratelimit-remaining", "0")], "", Some(Throttled)),
            (503, &[("ratelimit-remaining", "5")], "", Some(ServerError)),
            (504, &[], "", Some(ServerError)),
            (
                507,
                &[],
                r#"{"error":{"code":"quotaLimitReached"}}"#,
                Some(ServerError),
            ),
            (509, &[], "", Some(Throttled)),
            (599, &[], "", Some(ServerError)),
            (600, &[], "", Some(UnexpectedStatus)),
            (999, &[], "", Some(UnexpectedStatus)),
        ];
        for (status, headers, body, reason) in cases {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>();
            let error = ServiceError::read(body.as_bytes());
            for end in [
                BodyEnd::Complete,
                BodyEnd::Broken,
                BodyEnd::TimedOut,
                BodyEnd::TooLarge,
            ] {
                {
                    let judged = verdict(
                        *status,
                        false,
                        &headers,
                        &error,
                        end,
                        Origin::Service,
                        false,
                    );
                    assert_eq!(judged.reason(), *reason, "{status} {body} {end:?}");
                }
            }
        }
    }

    #[test]
    fn what_a_box_says_is_no_word_of_the_service() {
        use Reason::{BadResponse, Proxy, Throttled};
        let none = HeaderMap::new();
        let judge = |status, headers: &HeaderMap, body: &str, origin, proxied| {
            let error = ServiceError::read(body.as_bytes());
            verdict(
                status,
                false,
                headers,
                &error,
                BodyEnd::Complete,
                origin,
                proxied,
            )
            .reason()
        };
        for status in [401, 403, 404, 302, 511] {
            for (origin, proxied, reason) in [
                (Origin::SilentBox, false, BadResponse),
                (Origin::SilentBox, true, Proxy),
                (Origin::NamedBox, false, Proxy),
                (Origin::NamedBox, true, Proxy),
            ] {
                let judged = judge(status, &none, "<html>", origin, proxied);
                assert_eq!(judged, Some(reason), "{status} {origin:?} {proxied}");
            }
        }
        let mut to_page = HeaderMap::new();
        to_page.insert("location", "/_layouts/15/Throttle.htm".parse().unwrap());
        assert_eq!(
            judge(302, &to_page, "", Origin::Service, false),
            Some(Throttled)
        );
        let text = "429 TOO MANY REQUESTS";
        assert_eq!(
            judge(401, &none, text, Origin::Service, false),
            Some(Throttled)
        );
        let token_type =
            r#"{"error":"invalid_request","error_description":"Token type is not allowed."}"#;
        let judged = judge(401, &none, token_type, Origin::Service, false);
        assert_eq!(judged, Some(Reason::Forbidden));
    }

    #[test]
    fn a_200_needs_its_body() {
        let judge = |end| {
            let (none, error) = (HeaderMap::new(), ServiceError::default());
            verdict(200, true, &none, &error, end, Origin::Service, false).reason()
        };
        assert_eq!(judge(BodyEnd::Complete), None);
        assert_eq!(judge(BodyEnd::TimedOut), Some(Reason::Timeout));
        assert_eq!(judge(BodyEnd::Broken), Some(Reason::BadResponse));
        assert_eq!(judge(BodyEnd::TooLarge), Some(Reason::BadResponse));
    }
}
