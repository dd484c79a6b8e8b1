//! What Microsoft's support asks for, in one block that can be copied.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

use super::words;
use crate::model::Timestamp;
use crate::web::view::{AccountView, ResourceView};

/// The block.
#[derive(Debug, Clone, Template)]
#[template(path = "pieces/microsoft.html")]
pub(super) struct ForMicrosoft {
    text: String,
}

impl HtmlSafe for ForMicrosoft {}

impl ForMicrosoft {
    /// Of the last probe of a resource that had its problem.
    pub(super) fn resource(view: &ResourceView, tenant: Option<&str>) -> Option<Self> {
        let problem = view.problem.as_ref()?;
        let mut text = String::new();
        line(
            &mut text,
            "Time",
            problem.finished.map(words::utc).as_deref(),
        );
        line(&mut text, "request-id", problem.request_id.as_deref());
        let ours = problem.client_request_id.as_deref();
        line(&mut text, "client-request-id", ours);
        line(&mut text, "What", Some(view.title));
        line(&mut text, "Tenant", tenant);
        let mut result = problem.reason.to_owned();
        if let Some(status) = view.http_status {
            _ = write!(result, ", HTTP status {status}");
        }
        if let Some(phase) = problem.broke_in {
            _ = write!(result, ", in {}", words::phase_of(phase));
        }
        line(&mut text, "Result", Some(&result));
        problem.finished.is_some().then_some(Self { text })
    }

    /// Of the last token request of an account.
    pub(super) fn account(view: &AccountView) -> Option<Self> {
        let problem = view.problem.as_ref()?;
        let finished: Timestamp = problem.finished?;
        let mut text = String::new();
        line(&mut text, "Time", Some(&words::utc(finished)));
        line(&mut text, "Trace id", problem.request_id.as_deref());
        line(&mut text, "Tenant", view.tenant.as_deref());
        line(&mut text, "Application", view.client_id.as_deref());
        let result = match problem.code {
            Some(code) => format!("{}, AADSTS{code}", problem.reason),
            None => problem.reason.to_owned(),
        };
        line(&mut text, "Result", Some(&result));
        Some(Self { text })
    }
}

fn line(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        if !text.is_empty() {
            text.push('\n');
        }
        _ = write!(text, "{name}: {value}");
    }
}
