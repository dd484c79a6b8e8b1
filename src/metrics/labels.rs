//! Label sets, escaped and put together once per configuration instead of once
//! per line.

use std::fmt::{self, Write};

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

/// Appends `name="value"` and a comma before it where one is due.
///
/// Both formats escape a label value alike: backslash, quote and newline
/// (OpenMetrics 1.0 "escaped-string"; text 0.0.4 "label_value").
pub(super) fn append(block: &mut String, name: &str, value: &str) {
    if !block.is_empty() {
        block.push(',');
    }
    block.push_str(name);
    block.push_str("=\"");
    let mut rest = value;
    while let Some(place) = rest.find(['\\', '"', '\n']) {
        let (plain, special) = rest.split_at(place);
        block.push_str(plain);
        block.push_str(match special.as_bytes().first() {
            Some(b'\\') => "\\\\",
            Some(b'"') => "\\\"",
            _ => "\\n",
        });
        rest = special.get(1..).unwrap_or_default();
    }
    block.push_str(rest);
    block.push('"');
}

/// One label as a block of its own.
pub(super) fn one(name: &str, value: &str) -> String {
    let mut block = String::new();
    append(&mut block, name, value);
    block
}

/// A ready block of labels and a few more.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelSet<'a> {
    /// As [`append`] makes it; may be empty.
    pub(super) block: &'a str,
    /// The same, after it.
    pub(super) ready: &'a str,
    /// Escaped by the encoder.
    pub(super) more: [Option<(&'static str, &'a str)>; 3],
}

impl<'a> LabelSet<'a> {
    pub(super) const fn new(block: &'a str) -> Self {
        Self {
            block,
            ready: "",
            more: [None; 3],
        }
    }

    /// With labels that [`one`] made beforehand, for sets that come by the
    /// thousand.
    pub(super) const fn and(mut self, ready: &'a str) -> Self {
        self.ready = ready;
        self
    }

    pub(super) const fn with(mut self, name: &'static str, value: &'a str) -> Self {
        let mut place = 0;
        while place < self.more.len() {
            if self.more[place].is_none() {
                self.more[place] = Some((name, value));
                break;
            }
            place += 1;
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.block.is_empty() && self.ready.is_empty() && self.more.iter().all(Option::is_none)
    }
}

impl EncodeLabelSet for LabelSet<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for block in [self.block, self.ready] {
            if !block.is_empty() {
                // The key encoder writes what it is given; without a value after
                // it the whole block goes out as it is.
                encoder
                    .encode_label()
                    .encode_label_key()?
                    .write_str(block)?;
            }
        }
        for (name, value) in self.more.iter().flatten() {
            let mut label = encoder.encode_label();
            let mut key = label.encode_label_key()?;
            key.write_str(name)?;
            let mut text = key.encode_label_value()?;
            text.write_str(value)?;
            text.finish()?;
        }
        Ok(())
    }
}
