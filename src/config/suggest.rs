//! Which allowed word was perhaps meant.

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

/// `, did you mean "…"?`, or nothing.
#[must_use]
pub fn suggest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, words).map_or_else(String::new, |near| format!(", did you mean \"{near}\"?"))
}

fn plain(word: &str) -> String {
    word.replace('-', "_").to_ascii_lowercase()
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
    fn a_swap_is_one_step() {
        assert_eq!(nearest("udp", ["upd"]), Some("upd"));
        assert_eq!(nearest("udq", ["upd"]), None);
    }
}
