//! Invitations: what they let their reader do, and nothing else.

mod command;

use std::time::Duration;

use m365mon_simulator::directory::{DELEGATED_CLIENT_ID, Platform, RedirectUri};

use super::entra::Says;
use super::stage::{APPROVAL, Begun, FORM, Given, SIGN_IN, Stage, token_of, upn};
use crate::support::operator::EVERYONE;
use crate::support::raw::{Answer, request, request_with};

const INVITE: &str = "/accounts/contoso-steve/invite";
const INVITATION: &str = "/accounts/contoso-steve/invitation";
const EXTERNAL: &str = "https://m365mon.contoso.com/m365";
const HOST: &str = "host: m365mon.contoso.com";
const ORIGIN: &str = "origin: https://m365mon.contoso.com";
/// What the reader of an invitation must not see.
const OPERATORS: &[&str] = &["intranet", "Forget the sign-in", "Invite ", "redirect URI"];

/// A stage behind an external URL, whose callback is registered or not.
async fn house(registered: bool) -> Stage {
    let stage = Stage::given(Given {
        external_url: Some(EXTERNAL),
        ..Given::default()
    })
    .await;
    if registered {
        let mut directory = stage.tenant.tenant.directory.write();
        let app = directory.application_mut(DELEGATED_CLIENT_ID).unwrap();
        app.redirect_uris.push(RedirectUri {
            uri: format!("{EXTERNAL}/auth/callback"),
            platform: Platform::PublicClient,
        });
    }
    stage
}

/// Presses the operator's button.
async fn press(stage: &Stage) -> Answer {
    let page = request(stage.addr, &format!("GET {SIGN_IN}"), &[HOST]).await;
    let body = format!("token={}", token_of(page.text(), "invite"));
    let line = format!("POST {INVITE}");
    request_with(stage.addr, &line, &[HOST, FORM, ORIGIN], &body).await
}

/// What stands behind the `#` of a new invitation.
async fn invite(stage: &Stage) -> String {
    let made = press(stage).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let link = format!("{EXTERNAL}{INVITATION}#");
    let (_, rest) = made.text().split_once(&link).unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// The browser of whoever was invited: no operator's.
struct Reader<'a> {
    stage: &'a Stage,
    kept: Option<String>,
}

impl Reader<'_> {
    async fn get(&self, path: &str) -> Answer {
        let line = format!("GET {path}");
        request(self.stage.addr, &line, &[HOST, EVERYONE]).await
    }

    async fn post(&mut self, body: &str) -> Answer {
        let cookie = self.kept.as_ref().map(|kept| format!("cookie: {kept}"));
        let mut headers = vec![HOST, FORM, ORIGIN, EVERYONE];
        headers.extend(cookie.as_deref());
        let line = format!("POST {INVITATION}");
        let answer = request_with(self.stage.addr, &line, &headers, body).await;
        if let Some(cookie) = answer.header("set-cookie") {
            let pair = cookie.split(';').next().unwrap();
            if pair.starts_with("m365mon-invitation=") {
                self.kept = Some(pair.to_owned());
            }
        }
        answer
    }

    /// Begins, signs in as somebody, and comes back: where to.
    async fn sign_in(&mut self, name: &str, says: Says) -> String {
        let begun = Begun::of(&self.post("go=1").await);
        let to = self.stage.person(name).go(&begun.url, says).await;
        let cookie = format!("cookie: {}", begun.cookie);
        let headers = [HOST, EVERYONE, "sec-fetch-site: cross-site", &cookie];
        let line = format!("GET {}?{}", to.path(), to.query().unwrap());
        let back = request(self.stage.addr, &line, &headers).await;
        assert_eq!(back.status, 303, "{}", back.text());
        let location = back.header("location").unwrap();
        let end = location
            .strip_prefix(&format!("/m365{INVITATION}/"))
            .unwrap();
        let page = self.get(&format!("{INVITATION}/{end}")).await;
        assert_eq!(page.status, 200, "{end}");
        end.to_owned()
    }
}

#[tokio::test]
async fn the_owner_of_the_mailbox_signs_in_and_does_nothing_else() {
    let stage = house(true).await;
    let invitation = invite(&stage).await;
    assert_eq!(invitation.len(), 43, "32 bytes");
    let mut reader = Reader {
        stage: &stage,
        kept: None,
    };
    // Mail scanners and previews open links.
    for _ in 0..9 {
        let page = reader.get(INVITATION).await;
        assert_eq!(page.status, 200);
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("set-cookie"), None);
        let same = "<meta name=\"referrer\" content=\"same-origin\">";
        assert!(page.text().contains(same), "{}", page.text());
        for hidden in [&upn("steve"), DELEGATED_CLIENT_ID, "Mail.ReadBasic"] {
            assert!(!page.text().contains(hidden), "{hidden}: {}", page.text());
        }
    }
    let asked = reader.post(&format!("link={invitation}")).await;
    assert_eq!(asked.status, 200);
    let words = asked.words();
    for shown in [
        &upn("steve"),
        DELEGATED_CLIENT_ID,
        "Mail.ReadBasic",
        "Never a right to change anything",
    ] {
        assert!(words.contains(shown), "{shown}: {words}");
    }
    for hidden in OPERATORS.iter().chain([&&*invitation]) {
        assert!(!asked.text().contains(hidden), "{hidden}: {}", asked.text());
    }
    assert_eq!(
        asked.header("set-cookie").unwrap(),
        format!(
            "m365mon-invitation={invitation}; Path=/m365{INVITATION}; Max-Age=3600; HttpOnly; \
             SameSite=Strict; Secure"
        )
    );
    // Nothing of an operator's is open with it.
    let kept = format!("cookie: {}", reader.kept.clone().unwrap());
    for line in [
        format!("GET {SIGN_IN}"),
        format!("GET {APPROVAL}"),
        "GET /config".into(),
        format!("POST {SIGN_IN}"),
        format!("POST {INVITE}"),
        "POST /accounts/contoso-steve/sign-out".into(),
    ] {
        let headers = [HOST, FORM, ORIGIN, EVERYONE, &kept];
        let body = if line.starts_with("POST") {
            "token=x&how=device"
        } else {
            ""
        };
        let answer = request_with(stage.addr, &line, &headers, body).await;
        assert_eq!(answer.status, 403, "{line}");
    }
    assert_eq!(reader.sign_in("steve", Says::Accept).await, "done");
    assert!(stage.signed_in().await);
    // It is used up.
    assert_eq!(reader.post("go=1").await.status, 403);
    let again = reader.post(&format!("link={invitation}")).await;
    assert_eq!(again.status, 403);
    assert!(again.words().contains("not good, or not any more"));
}

#[tokio::test]
async fn only_a_page_of_ours_and_only_what_was_handed_out() {
    let stage = house(true).await;
    let invitation = invite(&stage).await;
    let good = format!("link={invitation}");
    let line = format!("POST {INVITATION}");
    let cases: &[(&str, &[&str], &str, u16)] = &[
        ("no origin", &[HOST], &good, 403),
        (
            "a foreign origin",
            &[HOST, "origin: https://evil.example"],
            &good,
            403,
        ),
        ("no referrer", &[HOST, "origin: null"], &good, 403),
        (
            "another site",
            &[HOST, ORIGIN, "sec-fetch-site: cross-site"],
            &good,
            403,
        ),
        (
            "a name that is not ours",
            &["host: evil.example", "origin: http://evil.example"],
            &good,
            421,
        ),
        ("nothing", &[HOST, ORIGIN], "x=1", 403),
        ("empty", &[HOST, ORIGIN], "link=", 403),
        (
            "another",
            &[HOST, ORIGIN],
            "link=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            403,
        ),
        ("cut off", &[HOST, ORIGIN], &good[..good.len() - 1], 403),
        (
            "too long",
            &[HOST, ORIGIN],
            &format!("{good}{}", "x".repeat(99)),
            403,
        ),
        (
            "the whole address",
            &[HOST, ORIGIN],
            &format!("link=https%3A%2F%2Fx%2Fy%23{invitation}"),
            200,
        ),
        (
            "the same site",
            &[HOST, "sec-fetch-site: same-origin"],
            &good,
            200,
        ),
    ];
    for (what, headers, body, status) in cases {
        let headers = [*headers, &[FORM, EVERYONE]].concat();
        let answer = request_with(stage.addr, &line, &headers, body).await;
        assert_eq!(answer.status, *status, "{what}: {}", answer.text());
        assert_eq!(
            answer.header("set-cookie").is_some(),
            *status == 200,
            "{what}"
        );
    }
    // Nor does an operator's button answer to anybody else.
    let token = "token=x";
    for (headers, status) in [
        (&[HOST, ORIGIN, EVERYONE][..], 403),
        (&[HOST, ORIGIN][..], 403),
    ] {
        let headers = [headers, &[FORM][..]].concat();
        let answer = request_with(stage.addr, &format!("POST {INVITE}"), &headers, token).await;
        assert_eq!(answer.status, status);
    }
    for (path, status) in [
        ("/accounts/contoso-app/invitation", 404),
        ("/accounts/nobody/invitation", 404),
        ("/accounts/contoso-steve/invitation/nothing", 404),
        (INVITE, 405),
    ] {
        let answer = request(stage.addr, &format!("GET {path}"), &[HOST, EVERYONE]).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn it_survives_who_is_not_meant_and_ends_after_five_starts_or_a_day() {
    let stage = house(true).await;
    stage.consent_of_helpdesk();
    let invitation = invite(&stage).await;
    let mut reader = Reader {
        stage: &stage,
        kept: Some(format!("m365mon-invitation={invitation}")),
    };
    assert_eq!(
        reader.sign_in("helpdesk", Says::Accept).await,
        "other-person"
    );
    assert!(!stage.signed_in().await);
    stage.forget_consents(true);
    assert_eq!(reader.sign_in("steve", Says::Cancel).await, "declined");
    stage.forget_consents(false);
    assert_eq!(reader.sign_in("steve", Says::Return).await, "approval");
    for _ in 0..2 {
        assert_eq!(reader.post("go=1").await.status, 200);
    }
    assert_eq!(reader.post("go=1").await.status, 403, "after five");
    // A newer one takes the place of the older.
    let (older, newer) = (invite(&stage).await, invite(&stage).await);
    assert_eq!(reader.post(&format!("link={older}")).await.status, 403);
    assert_eq!(reader.post(&format!("link={newer}")).await.status, 200);
    stage.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(reader.post(&format!("link={newer}")).await.status, 200);
    stage.clock.advance(Duration::from_secs(3600));
    assert_eq!(reader.post(&format!("link={newer}")).await.status, 403);
}

/// Entra takes the scopes of one service at a time.
#[tokio::test]
async fn a_consent_for_each_service_and_then_it_is_used_up() {
    let stage = house(true).await;
    stage.forget_consents(true);
    let invitation = invite(&stage).await;
    let mut reader = Reader {
        stage: &stage,
        kept: Some(format!("m365mon-invitation={invitation}")),
    };
    assert_eq!(reader.sign_in("steve", Says::Accept).await, "once-more");
    assert!(stage.signed_in().await);
    assert_eq!(reader.sign_in("steve", Says::Accept).await, "done");
    let status = stage.consent.status(stage.account()).await.unwrap();
    assert_eq!(status.unwrap().scopes.len(), 2, "both are kept");
    assert_eq!(reader.post("go=1").await.status, 403);
}

/// Whoever signs in by another way needs no invitation any more.
#[tokio::test]
async fn a_sign_in_by_an_operators_page_uses_it_up() {
    let stage = house(true).await;
    let invitation = invite(&stage).await;
    let page = request(stage.addr, &format!("GET {SIGN_IN}"), &[HOST]).await;
    let body = format!("token={}", token_of(page.text(), "sign-in"));
    let line = format!("POST {SIGN_IN}");
    let begun = Begun::of(&request_with(stage.addr, &line, &[HOST, FORM, ORIGIN], &body).await);
    let to = stage.person("steve").go(&begun.url, Says::Accept).await;
    let line = format!("GET {}?{}", to.path(), to.query().unwrap());
    let cookie = format!("cookie: {}", begun.cookie);
    let back = request(stage.addr, &line, &[HOST, &cookie]).await;
    assert_eq!(back.header("location"), Some(&*format!("/m365{SIGN_IN}")));
    let mut reader = Reader {
        stage: &stage,
        kept: None,
    };
    assert_eq!(reader.post(&format!("link={invitation}")).await.status, 403);
}
