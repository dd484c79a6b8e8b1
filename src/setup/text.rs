//! The lines of a script.

use crate::model::powershell::comment;

/// Lines of PowerShell.
#[derive(Default)]
pub(super) struct Script(String);

impl Script {
    /// Adds lines as they are.
    pub(super) fn add(&mut self, lines: &str) {
        self.0.push_str(lines);
        if !lines.ends_with('\n') {
            self.0.push('\n');
        }
    }

    /// Adds a remark.
    pub(super) fn say(&mut self, text: &str) {
        self.add(&comment(text));
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str) {
        self.add("");
        self.say(&format!("--- {title}"));
    }

    /// All of them.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}
