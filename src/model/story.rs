//! The story of one probe, told step by step for people (`/probe?debug=true`,
//! `m365mon probe`, `doctor`). A story that nobody reads costs nothing.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

const MOST_LINES: usize = 200;

/// Collects the steps of one probe, or nothing. Cheap to clone; clones write
/// into the same story. Lines must never hold a secret or tenant content.
#[derive(Clone, Default)]
pub struct Story(Option<Arc<Inner>>);

struct Inner {
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Story {
    /// A story that nobody reads.
    #[must_use]
    pub const fn untold() -> Self {
        Self(None)
    }

    /// A story that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self(Some(Arc::new(Inner {
            began: Instant::now(),
            lines: Mutex::default(),
        })))
    }

    /// Adds a step; `line` is only called if somebody reads the story.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(inner) = &self.0 {
            let at = inner.began.elapsed();
            let line = format!("{:9.3} ms  {}", at.as_secs_f64() * 1e3, line());
            let mut lines = inner.lines.lock();
            if lines.len() < MOST_LINES {
                lines.push(line);
            }
        }
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0
            .as_ref()
            .map(|inner| inner.lines.lock().clone())
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Story"
        } else {
            "Story(untold)"
        })
    }
}
