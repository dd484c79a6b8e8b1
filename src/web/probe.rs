//! `/probe?resource=NAME[&debug=true]`: probes one resource and shows only it.
//!
//! The answer is 200 whatever the outcome; 400 without a name, 404 for one
//! that the configuration does not know: nothing else can be probed.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::budget::{budget, scrape_timeout};
use super::connections::Connections;
use super::errors::wants_page;
use super::pages;
use super::reply::{plain, refused};
use super::scrape::{own_time, rendering, response};
use super::status_pages::unknown_resource;
use super::stories::ToldStory;
use crate::metrics::{Format, Rendering};
use crate::scheduler::ProbeDemand;
use crate::state::ResourceSlot;

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// `resource`, or `target`, which means the same.
    name: Option<String>,
    debug: bool,
}

impl Wanted {
    fn parse(query: &str) -> Self {
        let mut wanted = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "resource" | "target" if wanted.name.is_none() && !value.is_empty() => {
                    wanted.name = Some(value.into_owned());
                }
                "debug" => wanted.debug = matches!(&*value, "true" | "1"),
                // Scrape configurations may carry parameters for others.
                _ => {}
            }
        }
        wanted
    }
}

/// The answer to a probe.
pub(super) async fn probe(Shared(app): Shared<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let wanted = Wanted::parse(parts.uri.query().unwrap_or_default());
    let Some(name) = wanted.name else {
        return plain(
            StatusCode::BAD_REQUEST,
            "which resource? /probe?resource=NAME, with a name from the configuration",
        );
    };
    let timeout = match scrape_timeout(&parts.headers) {
        Ok(timeout) => timeout,
        Err(error) => return plain(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let Some(slot) = app.state.slot(&name) else {
        return unknown_resource(&app, &name);
    };
    // It may hang as long as Microsoft does: some places are kept for others.
    let connections = parts.extensions.get::<Arc<Connections>>();
    let place = connections.map(|connections| connections.may_hang());
    if place.as_ref().is_some_and(Option::is_none) {
        let headers = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
        let why = "too many probes are asked for at once";
        return (headers, plain(StatusCode::SERVICE_UNAVAILABLE, why)).into_response();
    }
    if wanted.debug {
        return debug(&app, &parts, &slot).await;
    }
    let shape = rendering(&parts.headers);
    if parts.method == Method::HEAD {
        return response(shape, axum::body::Body::empty());
    }
    let budget = timeout.map_or_else(
        || own_time(slot.resource()),
        |timeout| budget(timeout, app.settings.timeout_offset),
    );
    let demand = ProbeDemand {
        budget,
        min_age: None,
    };
    // On a task of its own: a scraper that goes away cancels nothing.
    let scheduler = Arc::clone(&app.scheduler);
    let asked = Arc::clone(&slot);
    let answer = tokio::spawn(async move { scheduler.probe(&asked, demand).await }).await;
    let Ok(answer) = answer else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error");
    };
    let exposition = Arc::clone(&app.exposition);
    let body = app
        .renderings
        .body(move |out| {
            let report = answer.report().map(AsRef::as_ref);
            exposition.probe_page(&slot, report, budget, shape, out)
        })
        .await;
    match body {
        Ok(body) => response(shape, body),
        Err(error) => {
            tracing::error!(%error, "probe could not be rendered");
            plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the probe could not be rendered",
            )
        }
    }
}

/// The story of one probe, for an operator: it may name people. Told anew at
/// most once in a while.
async fn debug(app: &Arc<App>, parts: &Parts, slot: &Arc<ResourceSlot>) -> Response {
    // It acts, though it is a GET: no page of another site may have it sent.
    let actor = match app.visitor(parts).may_act() {
        Ok(actor) => actor,
        Err(refusal) => return refused(refusal),
    };
    if parts.method == Method::HEAD {
        return plain(StatusCode::OK, "");
    }
    let name = Arc::clone(&slot.resource().name);
    let exists = |name: &str| app.state.slot(name).is_some();
    let (story, age) = app
        .stories
        .of(&name, exists, async || {
            tracing::info!(resource = &*name, by = %actor, "probes to tell the story");
            tell(app, slot).await
        })
        .await;
    if wants_page(&parts.headers) {
        return pages::story(&app.frame(parts), slot, &story, age).into_response();
    }
    let age = age.map_or_else(String::new, |age| {
        format!(
            "(told {} s ago; a resource is probed for its story at most once in 5 s)\n\n",
            age.as_secs()
        )
    });
    plain(StatusCode::OK, format!("{age}{}", text(slot, &story)))
}

/// A story for people at a terminal.
fn text(slot: &ResourceSlot, story: &ToldStory) -> String {
    let resource = slot.resource();
    let mut text = format!(
        "{} ({}, account {})\n\n{}",
        resource.name,
        resource.kind.as_str(),
        resource.account.name,
        story.lines.join("\n")
    );
    if !story.scrape.is_empty() {
        text.push_str("\n\nwhat a scrape would show (this probe counts nowhere):\n\n");
        text.push_str(story.scrape.trim_end());
    }
    text
}

async fn tell(app: &App, slot: &Arc<ResourceSlot>) -> ToldStory {
    let told = crate::model::Story::begin();
    let scheduler = Arc::clone(&app.scheduler);
    let (asked, listening) = (Arc::clone(slot), told.clone());
    // On a task of its own: whoever goes away cancels nothing.
    let report = tokio::spawn(async move { scheduler.debug(&asked, listening).await }).await;
    let mut story = ToldStory {
        lines: told.lines(),
        ..ToldStory::default()
    };
    match report {
        Ok(report) => story.report = report,
        Err(_) => story.lines.push("internal error".into()),
    }
    let Some(report) = &story.report else {
        return story;
    };
    let mut page = Vec::new();
    let plain_text = Rendering {
        format: Format::Text,
        gzip: false,
    };
    let timeout = slot.resource().timeout;
    let rendered = app
        .exposition
        .probe_page(slot, Some(report), timeout, plain_text, &mut page);
    story.scrape = match rendered {
        Ok(()) => String::from_utf8_lossy(&page).into_owned(),
        Err(error) => error.to_string(),
    };
    story
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        let parse = |query| {
            let wanted = Wanted::parse(query);
            (wanted.name.unwrap_or_default(), wanted.debug)
        };
        assert_eq!(parse("resource=intranet"), ("intranet".into(), false));
        assert_eq!(
            parse("target=intranet&debug=true"),
            ("intranet".into(), true)
        );
        assert_eq!(parse("debug=false&resource=a%20b"), ("a b".into(), false));
        assert_eq!(parse("module=x&resource=a&target=b"), ("a".into(), false));
        assert_eq!(parse("resource=&target=b"), ("b".into(), false));
        assert_eq!(parse(""), (String::new(), false));
        assert_eq!(parse("resource"), (String::new(), false));
        assert_eq!(parse("resource=%ff%zz").0.chars().count(), 4);
    }
}
