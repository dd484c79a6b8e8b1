//! A sentence of the program on a page: what stands between backticks is a
//! command, for a terminal and a log just so, and looks like one here.

use askama::Template;

use super::piece::Piece;

#[derive(Template)]
#[template(path = "pieces/spoken.html")]
struct Spoken<'a> {
    /// In turn text and commands.
    parts: Vec<(bool, &'a str)>,
}

/// The sentence, for a template.
pub(super) fn spoken(sentence: impl AsRef<str>) -> Piece {
    Piece::of(&Spoken {
        parts: parts(sentence.as_ref()),
    })
}

/// A backtick without a second one stands for itself.
fn parts(sentence: &str) -> Vec<(bool, &str)> {
    let mut parts = Vec::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((command, after)) = after.split_once('`') else {
            break;
        };
        parts.extend([(false, before), (true, command)]);
        rest = after;
    }
    parts.push((false, rest));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_set_apart_and_nothing_is_trusted() {
        for (sentence, html) in [
            (
                "not signed in: run `m365mon login a`",
                "not signed in: run <code>m365mon login a</code>",
            ),
            ("`a` or `b`.", "<code>a</code> or <code>b</code>."),
            ("a ` alone", "a ` alone"),
            ("`<b>` & <i>", "<code>&#60;b&#62;</code> &#38; &#60;i&#62;"),
            ("", ""),
        ] {
            assert_eq!(spoken(sentence).to_string(), html);
        }
    }
}
