//! The windows as they stood at one moment.

use std::sync::Arc;

use super::labels::append;
use crate::kinds::Windows;
use crate::model::Timestamp;

/// Labels of each window, ready, in the order of the list.
pub(super) type WindowLabels = Arc<[Box<str>]>;

/// Made once per configuration.
pub(super) fn labels(windows: &Windows) -> WindowLabels {
    let windows = windows.list().iter().map(|planned| &planned.window);
    windows
        .map(|window| {
            let mut block = String::new();
            append(&mut block, "window", &window.name);
            append(&mut block, "type", window.r#type.as_str());
            block.into()
        })
        .collect()
}

/// Which windows were open.
#[derive(Debug)]
pub(super) struct PlannedAt {
    windows: Arc<Windows>,
    labels: WindowLabels,
    open: Vec<bool>,
}

impl PlannedAt {
    pub(super) fn new(windows: Arc<Windows>, labels: WindowLabels, at: Timestamp) -> Self {
        Self {
            open: windows.open(at),
            windows,
            labels,
        }
    }

    /// Of the windows at these places: their labels, and whether downtime was
    /// planned by them.
    pub(super) fn of<'a>(
        &'a self,
        places: &'a [u16],
    ) -> impl Iterator<Item = (&'a str, bool)> + use<'a> {
        let states = self.windows.states(places, &self.open);
        states.filter_map(|(place, planned)| Some((&**self.labels.get(place)?, planned)))
    }
}
