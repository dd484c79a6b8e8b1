//! What was asked of the simulated tenant: counts, and the latest requests.
//! No token, header or form ever gets in here.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use serde::Serialize;

use super::hosts::Service;

/// One request and how it was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts up from 1.
    pub number: u64,
    /// The tenant's time, RFC 3339.
    pub time: String,
    /// Which door.
    pub service: Service,
    /// As asked for.
    pub host: String,
    /// `GET`, …
    pub method: String,
    /// Path and, except for Entra, query.
    pub target: String,
    /// Of the answer; 0 if there was none.
    pub status: u16,
    /// `User-Agent`, shortened.
    pub agent: String,
    /// `HTTP/2.0`, …
    pub version: String,
    /// Client id in the token or form.
    pub app: Option<String>,
    /// `grant_type`, for Entra.
    pub grant: Option<String>,
    /// The `client-request-id` of the request.
    pub client_request_id: Option<String>,
    /// Connections since the start when this came: tells reuse from new ones.
    pub connection: u64,
}

/// How many are kept.
const MOST: usize = 2000;

/// The journal.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    total: u64,
    counts: BTreeMap<String, u64>,
    latest: VecDeque<Entry>,
}

/// The journal, to be read.
#[derive(Debug, Clone, Serialize)]
pub struct Extract {
    /// Since the start or the last [`Journal::clear`].
    pub total: u64,
    /// By `service status`.
    pub counts: BTreeMap<String, u64>,
    /// The latest, oldest first.
    pub latest: Vec<Entry>,
}

impl Journal {
    /// Adds an entry; `number` is given here.
    pub fn write(&self, mut entry: Entry) {
        let mut pages = self.0.lock();
        pages.total += 1;
        entry.number = pages.total;
        let service = serde_json::to_value(entry.service).unwrap_or_default();
        let key = format!("{} {}", service.as_str().unwrap_or_default(), entry.status);
        *pages.counts.entry(key).or_default() += 1;
        if pages.latest.len() >= MOST {
            pages.latest.pop_front();
        }
        pages.latest.push_back(entry);
    }

    /// The counts and at most `latest` entries.
    #[must_use]
    pub fn read(&self, latest: usize) -> Extract {
        let pages = self.0.lock();
        let skip = pages.latest.len().saturating_sub(latest);
        Extract {
            total: pages.total,
            counts: pages.counts.clone(),
            latest: pages.latest.iter().skip(skip).cloned().collect(),
        }
    }

    /// Forgets everything, for a test that counts from here.
    pub fn clear(&self) {
        *self.0.lock() = Pages::default();
    }
}
