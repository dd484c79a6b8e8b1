//! Pieces of a page that a template made. A piece stands in another template
//! without being escaped again; nothing else does, for only templates make one.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::HeaderMap;

/// A piece that is refreshed on its own: the browser names the marks of the
/// pieces that it shows, and is sent those that it lacks.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    html: String,
    /// What stands here, in twelve hexadecimal digits: other content, another mark.
    pub(super) mark: String,
}

impl Piece {
    pub(super) fn of(template: &impl Template) -> Self {
        let html = rendered(template);
        Self {
            mark: mark(&html),
            html,
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.html)
    }
}

impl HtmlSafe for Piece {}

/// The text of a template. It can only fail where a value cannot be written.
pub(super) fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be written");
        String::new()
    })
}

/// The mark of a piece. What a `<time>` holds does not count: ages grow by
/// themselves, and the script of the page counts them.
fn mark(html: &str) -> String {
    let mut hasher = DefaultHasher::new();
    let mut rest = html;
    while let Some((before, inside)) = rest.split_once("<time ") {
        let (opening, inside) = inside.split_once('>').unwrap_or((inside, ""));
        let (_, after) = inside.split_once("</time>").unwrap_or(("", inside));
        before.hash(&mut hasher);
        opening.hash(&mut hasher);
        rest = after;
    }
    rest.hash(&mut hasher);
    format!("{:012x}", hasher.finish() >> 16)
}

/// The marks of the pieces that the browser shows already.
#[derive(Debug, Default)]
pub(in crate::web) struct SeenPieces(Option<HashSet<String>>);

impl SeenPieces {
    /// What the script of a page sends when it asks for what changed.
    pub(in crate::web) const HEADER: &'static str = "m365mon-seen";
    /// More pieces than a page has.
    const MOST: usize = 200;

    /// Reads the header.
    pub(in crate::web) fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(Self::HEADER).map(|value| {
            let marks = value.to_str().unwrap_or_default().split(',');
            marks.take(Self::MOST).map(str::to_owned).collect()
        }))
    }

    /// Only the content is asked for, not what stands around it.
    pub(super) const fn is_refresh(&self) -> bool {
        self.0.is_some()
    }

    /// The browser does not have this piece yet.
    pub(super) fn lacks(&self, part: &Piece) -> bool {
        let Some(marks) = &self.0 else { return true };
        !marks.contains(&part.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Template)]
    #[template(
        source = r#"<b>{{ what }}</b><time datetime="{{ at }}">{{ age }}</time>"#,
        ext = "html"
    )]
    struct Sentence {
        what: &'static str,
        at: &'static str,
        age: &'static str,
    }

    #[derive(Template)]
    #[template(source = "<p>{{ part }}</p>", ext = "html")]
    struct Whole<'a> {
        part: &'a Piece,
    }

    fn piece(what: &'static str, at: &'static str, age: &'static str) -> Piece {
        Piece::of(&Sentence { what, at, age })
    }

    #[test]
    fn data_is_escaped_once_and_markup_stays() {
        let part = piece("<script>\"'&", "1", "2 s");
        let html = rendered(&Whole { part: &part });
        assert!(html.starts_with("<p><b>&#60;script&#62;"), "{html}");
        assert!(!html.contains("&#38;#60"), "{html}");
        assert!(html.contains("<time"), "{html}");
    }

    #[test]
    fn a_mark_tells_content_and_not_age() {
        let first = piece("a", "1", "2 s");
        assert_eq!(first.mark, piece("a", "1", "12 s").mark);
        assert_ne!(first.mark, piece("b", "1", "2 s").mark);
        assert_ne!(first.mark, piece("a", "2", "2 s").mark);
        assert_eq!(mark("<time >"), mark("<time >1</time>"));

        let seen = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(SeenPieces::HEADER, text.parse().unwrap());
            SeenPieces::of(&headers)
        };
        assert!(SeenPieces::default().lacks(&first) && !SeenPieces::default().is_refresh());
        assert!(seen("").lacks(&first) && seen("").is_refresh());
        assert!(!seen(&format!("x,{}", first.mark)).lacks(&first));
    }
}
