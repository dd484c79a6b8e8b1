//! Text from outside, made fit to be shown: bounded, on one line, in quotes.

/// Longest piece that a message quotes, in bytes.
const MOST_QUOTED: usize = 120;

/// Cuts text from outside to at most `most` bytes on a character boundary and
/// replaces control characters by spaces, so that it fits one log line.
#[must_use]
pub fn bounded_text(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if out.len() + c.len_utf8() > most {
            break;
        }
        out.push(c);
    }
    out
}

/// A piece of text in quotes, on one line and bounded; where it may be an
/// address with a password in it, as [`quoted_url`], wherever it was written.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, _)) if before.contains(':') => quoted_url(text),
        _ => in_quotes(text),
    }
}

fn in_quotes(text: &str) -> String {
    let shown = bounded_text(text, MOST_QUOTED);
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{shown}{more}\"")
}

/// An address in quotes, without what may be a password in it or, in its query,
/// the key of a shared link.
#[must_use]
pub fn quoted_url(text: &str) -> String {
    let (scheme, rest) = text.split_at(text.find("://").map_or(0, |at| at + 3));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password with a slash in it ends the host too early.
    if path.contains('@') {
        return "this (not shown)".to_owned();
    }
    let shown = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => authority.to_owned(),
    };
    let more = if shown.len() < path.len() { "…" } else { "" };
    in_quotes(&format!("{scheme}{host}{shown}{more}"))
}

/// The question whether a text was meant without what stands around it by
/// mistake: white space, quotes, the braces that portals and registries put
/// around a GUID; for an address also with the scheme that it lacks. Empty if
/// nothing of that fits.
#[must_use]
pub fn meant(text: &str, fits: impl Fn(&str) -> bool) -> String {
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{201c}' | '\u{201d}');
    let bare = text.trim_matches(around);
    let without_braces = bare
        .trim_start_matches(['{', '(', '<'])
        .trim_end_matches(['}', ')', '>']);
    let with_scheme = format!("https://{bare}");
    let lacks_one = !bare.contains("://") && bare.contains('.') && !bare.contains('@');
    [bare, without_braces.trim()]
        .into_iter()
        .chain(lacks_one.then_some(&*with_scheme))
        .find(|other| *other != text && !other.is_empty() && fits(other))
        .map_or_else(String::new, |other| {
            // In an address a password is left out, and only there.
            let shown = if other.contains("://") {
                quoted_url(other)
            } else {
                quoted(other)
            };
            format!(", did you mean {shown}?")
        })
}

/// `a, b or c`, each in quotes.
#[must_use]
pub fn one_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(quoted).collect();
    match words.pop() {
        None => "nothing".to_owned(),
        Some(only) if words.is_empty() => only,
        Some(last) => format!("{} or {last}", words.join(", ")),
    }
}

/// Breaks text at its spaces into lines of at most `width` characters, the first
/// of which begins in column `begin`, the others with `indent` spaces. A word
/// that is longer than a line stays whole: it may be an address to copy.
#[must_use]
pub fn wrap(text: &str, width: usize, begin: usize, indent: usize) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut column, mut fresh) = (begin, true);
    for word in text.split(' ') {
        let long = word.chars().count();
        if fresh {
            fresh = false;
        } else if column + 1 + long > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_width() {
        for (text, width, begin, indent, expected) in [
            ("", 10, 0, 2, ""),
            ("one two", 10, 0, 2, "one two"),
            ("one two three", 10, 0, 2, "one two\n  three"),
            ("one two three", 10, 6, 2, "one\n  two\n  three"),
            (
                "a https://contoso.com/x b",
                10,
                0,
                2,
                "a\n  https://contoso.com/x\n  b",
            ),
            ("äö üß äöü", 6, 0, 0, "äö üß\näöü"),
            // Narrower than its own indent: nothing hangs, nothing is lost.
            ("one two", 3, 8, 4, "one\n    two"),
        ] {
            assert_eq!(wrap(text, width, begin, indent), expected);
        }
    }

    #[test]
    fn text_is_cut_on_a_character() {
        assert_eq!(bounded_text("a\nb", 10), "a b");
        assert_eq!(bounded_text("äöü", 3), "ä");
    }

    #[test]
    fn addresses_without_their_secrets() {
        for (text, expected) in [
            ("https://contoso.com/x", "\"https://contoso.com/x\""),
            ("contoso.com", "\"contoso.com\""),
            ("https://a:b@contoso.com/x", "\"https://…@contoso.com/x\""),
            ("a:b@contoso.com", "\"…@contoso.com\""),
            ("https://a:b@c@contoso.com", "\"https://…@contoso.com\""),
            ("https://contoso.com/x?e=b", "\"https://contoso.com/x…\""),
            ("https://contoso.com#b", "\"https://contoso.com…\""),
            ("https://a:b/b@contoso.com", "this (not shown)"),
            ("https://a:b?b@contoso.com", "this (not shown)"),
        ] {
            assert_eq!(quoted_url(text), expected);
            // Where no address was wanted, no password is shown either.
            if text.contains('@') {
                assert_eq!(quoted(text), expected);
            }
        }
        for name in ["steve@contoso.com", "api://contoso/x?y", "a@b:c"] {
            assert_eq!(quoted(name), format!("\"{name}\""));
        }
    }

    #[test]
    fn what_was_meant() {
        let guid = |text: &str| crate::model::is_guid(text);
        const GUID: &str = "11111111-2222-3333-4444-555555555555";
        let asked = format!(", did you mean \"{GUID}\"?");
        for text in [
            format!("{{{GUID}}}"),
            format!(" {GUID}"),
            format!("{GUID}\t "),
            format!("\"{GUID}\""),
            format!("{{ {GUID} }}"),
        ] {
            assert_eq!(meant(&text, guid), asked, "{text}");
        }
        assert_eq!(meant(GUID, guid), "");
        assert_eq!(meant("x", guid), "");
        let url = |text: &str| text.starts_with("https://");
        assert_eq!(
            meant("contoso.sharepoint.com/sites/x", url),
            ", did you mean \"https://contoso.sharepoint.com/sites/x\"?"
        );
        assert_eq!(meant("contoso", url), "");
    }

    #[test]
    fn lists_of_words() {
        assert_eq!(one_of(["a"]), "\"a\"");
        assert_eq!(one_of(["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
    }
}
