//! The little of Markdown that the runbooks use: headings, paragraphs, lists,
//! fenced code; in a line code, links, emphasis. Makes no markup: the template
//! does, and escapes what is here.

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) enum Block {
    /// `## …`, of whatever level below the page's own.
    Heading(Vec<Span>),
    Paragraph(Vec<Span>),
    /// The items of a list.
    List(Vec<Vec<Span>>),
    /// The lines of a fenced block.
    Code(String),
}

impl Block {
    /// Everything in it that is not code of its own.
    #[cfg(test)]
    pub(super) fn spans(&self) -> Vec<Span> {
        match self {
            Self::Heading(spans) | Self::Paragraph(spans) => spans.clone(),
            Self::List(items) => items.concat(),
            Self::Code(_) => Vec::new(),
        }
    }
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::web) struct Span {
    pub(in crate::web) text: String,
    pub(in crate::web) is_code: bool,
    pub(in crate::web) is_strong: bool,
    /// The runbook that it is a link to.
    pub(in crate::web) runbook: Option<String>,
    /// The `https://` address that it is a link to.
    pub(in crate::web) href: Option<String>,
}

impl Span {
    pub(super) fn text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }
}

/// Reads a text.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block::Code(code.join("\n")));
        } else if line.starts_with('#') {
            blocks.push(Block::Heading(spans(line.trim_start_matches('#').trim())));
        } else {
            // A line break within a paragraph or an item is a blank.
            let mut text = line.trim().to_owned();
            while let Some(next) = lines.next_if(|next| goes_on(next)) {
                text.push(' ');
                text.push_str(next.trim());
            }
            match (text.strip_prefix("- "), blocks.last_mut()) {
                (Some(item), Some(Block::List(items))) => items.push(spans(item)),
                (Some(item), _) => blocks.push(Block::List(vec![spans(item)])),
                (None, _) => blocks.push(Block::Paragraph(spans(&text))),
            }
        }
    }
    blocks
}

/// Whether a line belongs to the paragraph or the item before it.
fn goes_on(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty()
        && !["- ", "#", "```"]
            .iter()
            .any(|begin| line.starts_with(begin))
}

/// Reads a line. What is opened and never closed is text.
fn spans(mut line: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut plain = String::new();
    while let Some(first) = line.chars().next() {
        match special(line) {
            Some((span, rest)) => {
                if !plain.is_empty() {
                    spans.push(Span::text(&std::mem::take(&mut plain)));
                }
                spans.push(span);
                line = rest;
            }
            None => {
                plain.push(first);
                line = &line[first.len_utf8()..];
            }
        }
    }
    if !plain.is_empty() {
        spans.push(Span::text(&plain));
    }
    spans
}

/// The code, link or emphasis that a line begins with, and what follows it.
fn special(line: &str) -> Option<(Span, &str)> {
    if let Some(rest) = line.strip_prefix('`') {
        let (code, rest) = rest.split_once('`')?;
        let span = Span {
            is_code: true,
            ..Span::text(code)
        };
        return Some((span, rest));
    }
    if let Some(rest) = line.strip_prefix('[') {
        let (text, rest) = rest.split_once("](")?;
        let (to, rest) = rest.split_once(')')?;
        let name = to.rsplit('/').next().unwrap_or_default();
        let span = Span {
            is_code: text.len() > 2 && text.starts_with('`') && text.ends_with('`'),
            runbook: is_runbook(to).then(|| name.trim_end_matches(".md").to_owned()),
            href: to.starts_with("https://").then(|| to.to_owned()),
            ..Span::text(text.trim_matches('`'))
        };
        return Some((span, rest));
    }
    for mark in ["**", "*"] {
        if let Some(rest) = line.strip_prefix(mark)
            && let Some((text, rest)) = rest.split_once(mark)
            && !text.is_empty()
            && !text.starts_with(' ')
        {
            let span = Span {
                is_strong: true,
                ..Span::text(text)
            };
            return Some((span, rest));
        }
    }
    None
}

/// Whether a link leads to another page below `docs/runbooks`.
fn is_runbook(to: &str) -> bool {
    let Some(name) = to.strip_suffix(".md") else {
        return false;
    };
    let name = name
        .trim_start_matches("../")
        .trim_start_matches("reasons/");
    !name.contains('/') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_lines() {
        let text = "\nOne *two*\nthree.\n\n## `x` (y)\n- a\n  b\n- c\n\n```sh\n# no heading\n- no list\n```\nend";
        let blocks = blocks(text);
        let paragraph = |spans: &[Span]| spans.iter().map(|s| s.text.as_str()).collect::<String>();
        assert!(matches!(&blocks[0], Block::Paragraph(p) if paragraph(p) == "One two three."));
        assert!(matches!(&blocks[1], Block::Heading(h) if h[0].is_code && h[1].text == " (y)"));
        assert!(matches!(&blocks[2], Block::List(l) if l.len() == 2 && paragraph(&l[0]) == "a b"));
        assert_eq!(blocks[3], Block::Code("# no heading\n- no list".into()));
        assert!(matches!(&blocks[4], Block::Paragraph(p) if paragraph(p) == "end"));
    }

    #[test]
    fn links() {
        for (line, runbook, href) in [
            ("[a](reasons/dns.md)", Some("dns"), None),
            ("[a](../M365Throttled.md)", Some("M365Throttled"), None),
            ("[a](M365Throttled.md)", Some("M365Throttled"), None),
            ("[a](../../credentials.md#x)", None, None),
            (
                "[a](https://admin.microsoft.com)",
                None,
                Some("https://admin.microsoft.com"),
            ),
            ("[a](javascript:alert)", None, None),
        ] {
            let found = &spans(line)[0];
            assert_eq!(found.runbook.as_deref(), runbook, "{line}");
            assert_eq!(found.href.as_deref(), href, "{line}");
        }
        assert_eq!(spans("2 * 3 `x [y"), [Span::text("2 * 3 `x [y")]);
        let unclosed = spans("a** b `c` d");
        assert_eq!(unclosed.len(), 3, "{unclosed:?}");
    }
}
