//! Which allowed word was perhaps meant.

use crate::model::one_of;

/// The nearest of `words`, if one is near enough to be worth a question: at
/// most a third of the letters differ (at least one may). Case, `-` and `_`
/// count for nothing.
#[must_use]
pub(super) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The cost grows with the product of the lengths.
    if word.len() > 128 {
        return None;
    }
    let word = plain(word);
    words
        .into_iter()
        .filter_map(|other| {
            let plain = plain(other);
            let (here, there) = (word.chars().count(), plain.chars().count());
            let most = (here.max(there) / 3).clamp(1, 4);
            // Letters to insert, drop, change or swap with their neighbour.
            (here.abs_diff(there) <= most)
                .then(|| (strsim::osa_distance(&word, &plain), other))
                .filter(|(distance, _)| *distance <= most)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// `, did you mean "…"?`, or nothing. Where no word is near, those that have this
/// one among their parts: `sharepoint_site` for `sharepoint`.
#[must_use]
pub fn suggest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    let found = match nearest(word, words.iter().copied()) {
        Some(near) => vec![near],
        None => with_part(word, &words),
    };
    if found.is_empty() {
        String::new()
    } else {
        format!(", did you mean {}?", one_of(found))
    }
}

/// Most words that a question offers.
const MOST_OFFERED: usize = 3;

/// The words of which a part is this one, in one number or the other; none if
/// there are too many.
fn with_part<'a>(word: &str, words: &[&'a str]) -> Vec<&'a str> {
    if word.len() > 128 {
        return Vec::new();
    }
    let word = plain(word);
    if word.len() < 3 {
        return Vec::new();
    }
    let plural = |more: &str, one: &str| {
        more.strip_prefix(one)
            .is_some_and(|end| matches!(end, "" | "s" | "es"))
    };
    let alike = |part: &str| plural(part, &word) || plural(&word, part);
    let has = |other: &&&str| plain(other).split('_').any(alike);
    let found: Vec<&str> = words.iter().filter(has).copied().collect();
    if found.len() > MOST_OFFERED {
        return Vec::new();
    }
    found
}

fn plain(word: &str) -> String {
    word.trim().replace(['-', ' '], "_").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words() {
        let words = ["interval", "timeout", "mode", "url", "user"];
        for (word, meant) in [
            ("intervall", Some("interval")),
            ("Interval", Some("interval")),
            ("tiemout", Some("timeout")),
            ("modus", None),
            ("usr", Some("user")),
            ("something", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, words), meant, "{word}");
        }
        assert_eq!(nearest("client-id", ["client_id"]), Some("client_id"));
        assert_eq!(nearest(&"x".repeat(10_000), words), None);
    }

    #[test]
    fn a_part_is_enough() {
        let words = [
            "sharepoint_site",
            "exchange_mailbox",
            "mailbox_folder",
            "sign_in",
        ];
        for (word, question) in [
            ("sharepoint", ", did you mean \"sharepoint_site\"?"),
            ("sites", ", did you mean \"sharepoint_site\"?"),
            (
                "Mailbox",
                ", did you mean \"exchange_mailbox\" or \"mailbox_folder\"?",
            ),
            ("sign_in ", ", did you mean \"sign_in\"?"),
            ("sign in", ", did you mean \"sign_in\"?"),
            ("in", ""),
            ("mail", ""),
        ] {
            assert_eq!(suggest(word, words), question, "{word}");
        }
    }

    #[test]
    fn a_swap_is_one_step() {
        assert_eq!(nearest("udp", ["upd"]), Some("upd"));
        assert_eq!(nearest("udq", ["upd"]), None);
    }
}
