//! `/api/v1/resources` of all resources: written while it is made, one resource
//! after the other, so that ten thousand of them need no more memory than one.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::app::App;
use super::view::{Reader, ReferenceView, ResourceView};
use crate::metrics::{CHUNK, Chunks};
use crate::state::ResourceSlot;

/// A resource, and what became of its ticks.
#[derive(Serialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    view: ResourceView,
    ticks: Option<Ticks>,
}

/// What became of a resource's ticks since this process began, the probes that
/// somebody asked for included: each left a report, was skipped, or is under
/// way.
#[derive(Serialize)]
struct Ticks {
    due: u64,
    reported: u64,
    skipped: u64,
    running: u64,
    waiting: u64,
}

impl Listed {
    pub(super) fn of(app: &App, view: ResourceView) -> Self {
        let ticks = app.scheduler.ticks(&view.name).map(|ticks| Ticks {
            due: ticks.due,
            reported: ticks.reported,
            skipped: ticks.skipped,
            running: ticks.running,
            waiting: ticks.waiting,
        });
        Self { view, ticks }
    }
}

/// All resources, each made when it is its turn.
struct Everything {
    app: Arc<App>,
    slots: Arc<[Arc<ResourceSlot>]>,
    reader: Reader,
}

impl Serialize for Everything {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("resources", &Rows(self))?;
        let references = ReferenceView::all(&self.app.state, self.reader);
        map.serialize_entry("references", &references)?;
        map.end()
    }
}

struct Rows<'a>(&'a Everything);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Everything { app, slots, reader } = self.0;
        let gates = app.state.closed_gates();
        serializer.collect_seq(slots.iter().map(|slot| {
            let view = ResourceView::of(slot, &app.state, &gates, *reader);
            Listed::of(app, view)
        }))
    }
}

/// Hands on what it is given.
struct Out<'a, C>(&'a mut C);

impl<C: Chunks> Write for Out<'_, C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.chunk(Bytes::copy_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body of the answer.
///
/// # Errors
/// If nothing can be rendered any more.
pub(super) async fn everything(app: &Arc<App>, reader: Reader) -> io::Result<Body> {
    let all = Everything {
        app: Arc::clone(app),
        slots: app.state.slots(),
        reader,
    };
    app.renderings
        .body(move |out| {
            let mut out = BufWriter::with_capacity(CHUNK, Out(out));
            serde_json::to_writer(&mut out, &all)?;
            out.flush()
        })
        .await
}
