//! Patterns of file names, as `resource_files` has them: `*` and `?` within one
//! part of a path, `[a-z]` and `[!a-z]` for one character, everything else as it
//! is. What begins with a dot is found only by a pattern that does: an editor's
//! copies and Kubernetes' `..data` are no configuration.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Most entries of folders that one pattern looks at.
const MOST_ENTRIES: usize = 100_000;

/// True if the path is a pattern, and no file's own name.
pub(super) fn is_pattern(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|text| text.contains(['*', '?', '[']))
}

/// What fits a pattern, sorted; itself where it is none. Folders that cannot be
/// read or are not there hold nothing.
///
/// # Errors
/// If a folder that is there cannot be listed, or there is too much to look at.
pub(super) fn files(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    let mut looked_at = 0;
    for part in pattern.components() {
        let name = match part {
            Component::Normal(name) => name,
            // Roots and dots are taken as they are.
            other => {
                found.iter_mut().for_each(|path| path.push(other));
                continue;
            }
        };
        if !is_pattern(Path::new(name)) {
            found.iter_mut().for_each(|path| path.push(name));
            continue;
        }
        let Some(wanted) = name.to_str() else {
            return Ok(Vec::new());
        };
        let wanted: Vec<char> = wanted.chars().collect();
        let mut next = Vec::new();
        for folder in &found {
            let here = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            let entries = match std::fs::read_dir(here) {
                Ok(entries) => entries,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            for entry in entries {
                looked_at += 1;
                if looked_at > MOST_ENTRIES {
                    let message = format!("more than {MOST_ENTRIES} files to look at");
                    return Err(io::Error::other(message));
                }
                let name = entry?.file_name();
                let fits = name.to_str().is_some_and(|name| {
                    let name: Vec<char> = name.chars().collect();
                    (name.first() != Some(&'.') || wanted.first() == Some(&'.'))
                        && matches(&wanted, &name)
                });
                if fits {
                    next.push(folder.join(name));
                }
            }
        }
        found = next;
    }
    if is_pattern(pattern) {
        // What a pattern found in the middle may not go on.
        found.retain(|path| path.symlink_metadata().is_ok());
        found.sort();
    }
    Ok(found)
}

/// Whether a name fits, by going back to the last `*` where the rest does not:
/// no pattern makes it long.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => {
                p += 1;
                n += 1;
                continue;
            }
            Some('[') => {
                if let Some((fits, after)) = class(pattern, p, name[n])
                    && fits
                {
                    p = after;
                    n += 1;
                    continue;
                }
            }
            Some(c) if *c == name[n] => {
                p += 1;
                n += 1;
                continue;
            }
            _ => {}
        }
        let Some((star_p, star_n)) = star else {
            return false;
        };
        star = Some((star_p, star_n + 1));
        p = star_p + 1;
        n = star_n + 1;
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether `[…]` at this place of the pattern has the character, and where it
/// ends; `None` if it does not end.
fn class(pattern: &[char], at: usize, c: char) -> Option<(bool, usize)> {
    let mut p = at + 1;
    let not = matches!(pattern.get(p), Some('!' | '^'));
    if not {
        p += 1;
    }
    let begin = p;
    let mut has = false;
    loop {
        let low = *pattern.get(p)?;
        if low == ']' && p > begin {
            return Some((has != not, p + 1));
        }
        match (pattern.get(p + 1), pattern.get(p + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                has |= (low..=*high).contains(&c);
                p += 3;
            }
            _ => {
                has |= low == c;
                p += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let fits = |pattern: &str, name: &str| {
            let chars = |text: &str| text.chars().collect::<Vec<char>>();
            matches(&chars(pattern), &chars(name))
        };
        for (pattern, name) in [
            ("*.yml", "a.yml"),
            ("*", ""),
            ("a*b*c", "axxbyyc"),
            ("?.yml", "ü.yml"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]x", "]x"),
            ("[a-]x", "-x"),
            ("site-*-[0-9][0-9].yml", "site-west-07.yml"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.yml", "a.yaml"),
            ("?.yml", ".yml"),
            ("[a-c]x", "dx"),
            ("[!a-c]x", "ax"),
            ("[ax", "ax"),
            ("a", "ab"),
            ("ab", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        let long = "a".repeat(5_000);
        assert!(!fits(&"*a".repeat(50), &format!("{long}b")));
    }

    #[test]
    fn files_in_their_order_without_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in [
            "west/b.yml",
            "west/a.yml",
            "east/a.yml",
            "west/.swap.yml",
            "..data/a.yml",
            "a.txt",
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = files(&root.join(pattern)).unwrap();
            let short = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
            found.into_iter().map(short).collect()
        };
        assert_eq!(found("*/*.yml"), ["east/a.yml", "west/a.yml", "west/b.yml"]);
        assert_eq!(found("west/*"), ["west/a.yml", "west/b.yml"]);
        assert_eq!(found("*/a.yml"), ["east/a.yml", "west/a.yml"]);
        assert_eq!(found(".*/a.yml"), ["..data/a.yml"]);
        assert_eq!(found("none/*.yml"), Vec::<String>::new());
        // Named itself, it is for whoever opens it to say that it is not there.
        assert_eq!(found("none/a.yml"), ["none/a.yml"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pattern: String, name: String) {
            let chars = |text: &str| text.chars().collect::<Vec<char>>();
            _ = matches(&chars(&pattern), &chars(&name));
        }
    }
}
