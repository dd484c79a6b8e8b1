//! Text as PowerShell literals: a name with a quote in it must stay a name.
//! Several rooms print commands for an administrator.

/// The characters that PowerShell takes for single quotes
/// (about_Quoting_Rules): the straight one and four typographic ones. Doubled
/// inside a literal each of them stands for itself.
const QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// A literal string: single-quoted, so that nothing in it is expanded. Control
/// characters, which would do what they like to a terminal, are spelled out.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut parts = Vec::new();
    let mut run = String::new();
    for c in text.chars() {
        if c.is_control() {
            if !run.is_empty() {
                parts.push(format!("'{run}'"));
                run.clear();
            }
            parts.push(format!("[char]{}", u32::from(c)));
            continue;
        }
        if QUOTES.contains(&c) {
            run.push(c);
        }
        run.push(c);
    }
    if !run.is_empty() || parts.is_empty() {
        parts.push(format!("'{run}'"));
    }
    match parts.as_slice() {
        // A character would be added as a number: the sum begins with a string.
        [one] if one.starts_with('\'') => one.clone(),
        _ => format!("('' + {})", parts.join(" + ")),
    }
}

/// An array of literals.
#[must_use]
pub fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.into_iter().map(quoted).collect();
    format!("@({})", items.join(", "))
}

/// A filter of Graph (OData) or Exchange (OPATH) that compares one property
/// with a value; both double single quotes inside theirs.
#[must_use]
pub fn filter(property: &str, operator: &str, value: &str) -> String {
    quoted(&format!(
        "{property} {operator} '{}'",
        value.replace('\'', "''")
    ))
}

/// Text for a comment: on one line, whatever it holds.
#[must_use]
pub fn comment(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("# {line}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads what [`quoted`] writes as PowerShell does: literals and
    /// characters, added up. `None` where anything else stands.
    fn read(text: &str) -> Option<String> {
        let mut rest = match text.strip_prefix("('' + ") {
            Some(sum) => sum.strip_suffix(')')?,
            None => text,
        };
        let mut value = String::new();
        loop {
            if let Some(number) = rest.strip_prefix("[char]") {
                let digits = number.bytes().take_while(u8::is_ascii_digit).count();
                value.push(char::from_u32(number[..digits].parse().ok()?)?);
                rest = &number[digits..];
            } else {
                let mut chars = rest.strip_prefix('\'')?.char_indices().peekable();
                let end = loop {
                    let (at, c) = chars.next()?;
                    if QUOTES.contains(&c) {
                        match chars.peek() {
                            Some((_, next)) if QUOTES.contains(next) => {
                                value.push(*next);
                                chars.next();
                            }
                            _ => break at + c.len_utf8(),
                        }
                    } else {
                        value.push(c);
                    }
                };
                rest = &rest[1 + end..];
            }
            if rest.is_empty() {
                return Some(value);
            }
            rest = rest.strip_prefix(" + ")?;
        }
    }

    #[test]
    fn literals() {
        assert_eq!(quoted("steve@contoso.com"), "'steve@contoso.com'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $x `n"), "'it''s $x `n'");
        assert_eq!(quoted("\u{2019}; exit"), "'\u{2019}\u{2019}; exit'");
        assert_eq!(quoted("a\nb"), "('' + 'a' + [char]10 + 'b')");
        assert_eq!(list(["a", "b'"]), "@('a', 'b''')");
        assert_eq!(
            filter("PrimarySmtpAddress", "-eq", "o'neil@contoso.com"),
            "'PrimarySmtpAddress -eq ''o''''neil@contoso.com'''"
        );
        assert_eq!(comment("a\r\nexit"), "# a  exit");
    }

    proptest! {
        #[test]
        fn any_text_stays_what_it_is(text in "([a-z$`\"(){};#\n\r\t'\u{2018}\u{2019}\u{201a}\u{201b}\u{1b}]|\\PC){0,40}") {
            let literal = quoted(&text);
            prop_assert_eq!(read(&literal), Some(text));
            let clean = !literal.contains(char::is_control);
            prop_assert!(clean);
        }

        #[test]
        fn a_comment_is_one_line(text in "\\PC{0,20}[\n\r\u{85}]\\PC{0,20}") {
            prop_assert_eq!(comment(&text).lines().count(), 1);
        }
    }
}
