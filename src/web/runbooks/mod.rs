//! The runbooks of alerts and reasons, in the program: whoever is woken finds
//! them where the problem stands, without another server.

mod markdown;

pub(super) use markdown::{Block, Span};

/// Name and text of each, in the order of the names.
static TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.rs"));

/// One page below `docs/runbooks`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Runbook {
    /// `M365ResourceDown`, `timeout`.
    pub(super) name: &'static str,
    /// Markdown.
    pub(super) text: &'static str,
}

impl Runbook {
    /// All of them, in the order of their names: alerts before reasons.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TEXTS.iter().map(|(name, text)| Self { name, text })
    }

    /// The runbook of an alert or a reason; `name` with or without `.md`.
    pub(super) fn find(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".md").unwrap_or(name);
        Self::all().find(|runbook| runbook.name == name)
    }

    /// What stands behind `M365ResourceDown: ` in its heading.
    pub(super) fn title(&self) -> &'static str {
        let heading = self.text.lines().next().unwrap_or_default();
        heading.trim_start_matches('#').trim()
    }

    /// Everything below the heading.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let (_, rest) = self.text.split_once('\n').unwrap_or_default();
        markdown::blocks(rest)
    }

    /// What stands below `## HEADING`.
    pub(super) fn section(&self, heading: &str) -> Vec<Block> {
        let mut blocks = self.blocks().into_iter();
        let is_heading = |block: &Block| matches!(block, Block::Heading(_));
        let found = blocks.any(|block| block == Block::Heading(vec![Span::text(heading)]));
        let section = blocks.take_while(|block| !is_heading(block));
        if found { section.collect() } else { Vec::new() }
    }

    /// Whether Microsoft's support is to be asked about it.
    pub(super) fn is_for_microsoft(&self) -> bool {
        let section = self.section("When to call Microsoft");
        let says_no = |block: &Block| match block {
            Block::Paragraph(spans) => spans
                .first()
                .is_some_and(|span| span.text.starts_with("Not a case for Microsoft")),
            _ => false,
        };
        !section.is_empty() && !section.iter().any(says_no)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountReason, Reason};
    use crate::web::pages;

    #[test]
    fn every_reason_has_a_runbook_that_says_what_to_do() {
        for reason in Reason::ALL {
            let runbook = Runbook::find(reason.as_str()).unwrap();
            for section in ["What it means", "What users feel", "How to mend"] {
                assert!(!runbook.section(section).is_empty(), "{reason} {section}");
            }
        }
        for reason in AccountReason::ALL {
            let name = pages::account_runbook(reason.as_str());
            let runbook = Runbook::find(name).unwrap();
            assert!(!runbook.section("How to mend").is_empty(), "{name}");
        }
        assert!(Runbook::find("timeout").unwrap().is_for_microsoft());
        assert!(!Runbook::find("throttled").unwrap().is_for_microsoft());
        assert!(Runbook::find("README").is_none());
        assert!(Runbook::find("../DESIGN").is_none());
        let down = Runbook::find("M365ResourceDown.md").unwrap();
        assert!(down.title().starts_with("M365ResourceDown: "));
        assert!(down.section("No such heading").is_empty());
    }

    #[test]
    fn links_between_runbooks_lead_to_runbooks() {
        for runbook in Runbook::all() {
            for block in runbook.blocks() {
                for span in block.spans() {
                    if let Some(name) = &span.runbook {
                        assert!(Runbook::find(name).is_some(), "{} {name}", runbook.name);
                    }
                }
            }
        }
    }
}
