//! `/auth/callback`: where Entra sends the browser back to (RFC 6749 section
//! 4.1.2). The query is read, never logged, and gone from the address bar with
//! the answer.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::sessions::cookie_name;
use super::{SIGN_IN, invitation, path, see};
use crate::entra::CALLBACK_PATH;
use crate::model::Secret;
use crate::web::app::App;
use crate::web::cookies::cookies;
use crate::web::operator::Actor;
use crate::web::pages;
use crate::web::reply::refused;

/// Longer than any code that Entra is known to give.
const MOST_CODE_BYTES: usize = 16 * 1024;
const MOST_STATE_BYTES: usize = 256;

/// What the browser brought.
struct Answer {
    state: Secret,
    result: Result<Secret, (String, String)>,
}

impl Answer {
    fn read(query: &str) -> Option<Self> {
        let get = |name: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let state = get("state").filter(|state| state.len() <= MOST_STATE_BYTES)?;
        let result = match (get("code"), get("error")) {
            (Some(code), None) if code.len() <= MOST_CODE_BYTES => Ok(Secret::new(code)),
            (_, Some(error)) => Err((error, get("error_description").unwrap_or_default())),
            (Some(_) | None, None) => return None,
        };
        Some(Self {
            state: Secret::new(state),
            result,
        })
    }
}

/// `GET /auth/callback`: with a query, the end of a sign-in; without one, the
/// page that says that there is none.
pub(in crate::web) async fn callback(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    // From another site by its nature: state and cookie say that it is ours.
    if let Err(refusal) = app.visitor(&parts).at_home() {
        return refused(refusal);
    }
    let frame = app.frame(&parts);
    let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) else {
        let names = app.configuration().map_or_else(Vec::new, |configuration| {
            let accounts = configuration.accounts.iter();
            accounts
                .filter(|account| account.person().is_some())
                .map(|account| account.name.to_string())
                .collect()
        });
        return pages::no_sign_in(&frame, &names).into_response();
    };
    let nothing = || see(&app, CALLBACK_PATH);
    let (Some(answer), Some(sessions)) = (Answer::read(query), app.sign_ins()) else {
        return nothing();
    };
    let Some(pending) = sessions.take(&answer.state) else {
        return nothing();
    };
    let account = Arc::clone(&pending.account);
    let invited = matches!(pending.by, Actor::Invited(_));
    let cookie_path = pending.cookie_path.clone();
    let cookie = cookie_name(&answer.state);
    let brought = cookie
        .as_deref()
        .and_then(|name| cookie_of(&parts.headers, name));
    let now = app.configuration().and_then(|configuration| {
        let mut accounts = configuration.accounts.iter();
        accounts.find(|one| one.name == account.name).cloned()
    });
    // In a task of its own: a browser that goes away must not cost the code.
    let finish = tokio::spawn(async move {
        sessions
            .finish(pending, brought.as_ref(), now.as_ref(), answer.result)
            .await
    });
    // A panic went to the log; the page shows what was before.
    let outcome = finish.await.ok();
    let what = match outcome.as_deref() {
        outcome if invited => invitation::end_of(outcome),
        Some(outcome) if outcome.needs_administrator() => "approval".to_owned(),
        _ => SIGN_IN.to_owned(),
    };
    let mut response = see(&app, &path(&account.name, &what));
    if let Some(gone) = cookie.and_then(|name| gone(&name, &cookie_path)) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}

/// A cookie's value.
fn cookie_of(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookies(headers)
        .find(|(key, _)| *key == name)
        .map(|(_, value)| Secret::new(value.to_owned()))
}

/// Takes a cookie away from the path that it was given for.
fn gone(name: &str, path: &str) -> Option<HeaderValue> {
    let text = format!("{name}=; Path={path}; Max-Age=0; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers() {
        let answer = Answer::read("code=c%20d&state=s&session_state=x").unwrap();
        assert_eq!(answer.state.expose(), "s");
        assert_eq!(answer.result.unwrap().expose(), "c d");
        let answer = Answer::read("error=access_denied&error_description=no&state=s").unwrap();
        assert_eq!(
            answer.result.unwrap_err(),
            ("access_denied".into(), "no".into())
        );
        // Whoever sends both sends an error.
        let both = Answer::read("code=c&error=e&state=s").unwrap();
        assert!(both.result.is_err());
        let long = format!("code=c&state={}", "s".repeat(300));
        for bad in ["code=c", "state=s", "admin_consent=True&tenant=t", &long] {
            assert!(Answer::read(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        /// Whatever a browser brings: a code or an error that belongs to a
        /// state, within bounds, or nothing.
        #[test]
        fn any_query_can_be_read(query in "[ -~]{0,300}", pairs in "((code|state|error)=[a-z%0-9+&=]{0,9}&){0,6}") {
            for query in [query, pairs] {
                if let Some(answer) = Answer::read(&query) {
                    prop_assert!(answer.state.expose().len() <= MOST_STATE_BYTES);
                }
            }
        }
    }

    #[test]
    fn cookies() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=1; b=x=".parse().unwrap());
        assert_eq!(cookie_of(&headers, "b").unwrap().expose(), "x=");
        assert!(cookie_of(&headers, "c").is_none());
    }
}
