//! The gauges of resources that were probed once, for a text-file collector.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::collect::{View, resources};
use super::family::Families;
use super::samples::Samples;
use super::stream::ExemplarSlot;
use super::table;
use crate::model::Timestamp;
use crate::state::{ResourceSlot, State};

/// What stands in the file.
#[derive(Debug)]
pub(super) struct OncePage {
    rows: Vec<Row>,
    samples: Samples,
    phases: bool,
    exemplar_slot: Arc<ExemplarSlot>,
}

#[derive(Debug)]
struct Row {
    slot: Arc<ResourceSlot>,
    labels: Box<str>,
    token_expiry: Option<Timestamp>,
}

impl OncePage {
    pub(super) fn take(
        state: &State,
        slots: &[Arc<ResourceSlot>],
        exemplar_slot: Arc<ExemplarSlot>,
    ) -> Self {
        let mut samples = Samples::new(None, slots.len());
        let (now, gates) = (state.clock().moment(), state.closed_gates());
        let rows = slots.iter().map(|slot| {
            samples.sample(slot, now, &gates);
            let resource = slot.resource();
            Row {
                slot: slot.clone(),
                labels: table::resource_labels(resource),
                token_expiry: slot
                    .account()
                    .snapshot()
                    .token_expiry(resource.audience().as_ref()),
            }
        });
        Self {
            rows: rows.collect(),
            samples,
            phases: state.board().metrics.phases,
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
            resource: row.slot.resource(),
            sample,
            place,
            token_expiry: row.token_expiry,
        });
        resources(&mut families, &rows, &self.samples, self.phases)
    }
}
