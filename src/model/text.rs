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

/// A piece of text in quotes, on one line and bounded.
#[must_use]
pub fn quoted(text: &str) -> String {
    let shown = bounded_text(text, MOST_QUOTED);
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("\"{shown}{more}\"")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_on_a_character() {
        assert_eq!(bounded_text("a\nb", 10), "a b");
        assert_eq!(bounded_text("äöü", 3), "ä");
    }

    #[test]
    fn lists_of_words() {
        assert_eq!(one_of(["a"]), "\"a\"");
        assert_eq!(one_of(["a", "b", "c"]), "\"a\", \"b\" or \"c\"");
    }
}
