//! The gauges of resources that were probed once, for a text-file collector.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::collect::{View, resources};
use super::family::Families;
use super::planned::{self, PlannedAt};
use super::samples::Samples;
use super::stream::ExemplarSlot;
use super::table;
use crate::kinds::Resource;
use crate::model::Timestamp;
use crate::state::{ResourceSlot, State};

/// What stands in the file.
#[derive(Debug)]
pub(super) struct OncePage {
    rows: Vec<Row>,
    samples: Samples,
    planned: PlannedAt,
    phases: bool,
    exemplar_slot: Arc<ExemplarSlot>,
}

#[derive(Debug)]
struct Row {
    slot: Arc<ResourceSlot>,
    labels: Box<str>,
    info: Box<str>,
    windows: Box<[u16]>,
    token_expiry: Option<Timestamp>,
}

impl OncePage {
    pub(super) fn take(
        state: &State,
        slots: &[Arc<ResourceSlot>],
        proxied: &dyn Fn(&Resource) -> bool,
        exemplar_slot: Arc<ExemplarSlot>,
    ) -> Self {
        let mut samples = Samples::new(None, slots.len());
        let (now, gates) = (state.clock().moment(), state.closed_gates());
        let board = state.board();
        let rows = slots.iter().map(|slot| {
            samples.sample(slot, now, &gates);
            let resource = slot.resource();
            Row {
                slot: slot.clone(),
                labels: table::resource_labels(resource),
                windows: board.windows.places(&resource.name).into(),
                info: table::info_labels(resource, proxied(resource)),
                token_expiry: slot
                    .account()
                    .snapshot()
                    .token_expiry(resource.audience().as_ref()),
            }
        });
        Self {
            rows: rows.collect(),
            samples,
            planned: PlannedAt::new(
                board.windows.clone(),
                planned::labels(&board.windows),
                now.civil,
            ),
            phases: board.metrics.phases,
            exemplar_slot,
        }
    }
}

impl Collector for OncePage {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families {
            encoder,
            exemplar_slot: &self.exemplar_slot,
            counting: false,
        };
        let rows = self.rows.iter().zip(&self.samples.list).zip(0..);
        let rows = rows.map(|((row, sample), place)| View {
            labels: &row.labels,
            info: &row.info,
            windows: &row.windows,
            resource: row.slot.resource(),
            sample,
            place,
            token_expiry: row.token_expiry,
        });
        resources(
            &mut families,
            &rows,
            &self.samples,
            &self.planned,
            self.phases,
        )
    }
}
