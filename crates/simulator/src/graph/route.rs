//! Which handler answers a path. A kind of thing is one file with a table of
//! its routes; `ROUTES` in this room's `mod.rs` names the tables.

use http::Method;

use super::error::GraphError;
use super::{Answer, Call};

/// One method and path below the version.
pub(super) struct Route {
    pub(super) method: Method,
    /// Segments; in one of them `{}` stands for any text. `{person}` is `me`
    /// or `users/` and a name, `{path}` one segment or more.
    pub(super) pattern: &'static str,
    pub(super) answer: fn(&Call<'_>, &[&str]) -> Result<Answer, GraphError>,
}

type Handler = fn(&Call<'_>, &[&str]) -> Result<Answer, GraphError>;

/// A GET.
pub(super) const fn get(pattern: &'static str, answer: Handler) -> Route {
    Route {
        method: Method::GET,
        pattern,
        answer,
    }
}

/// A POST.
pub(super) const fn post(pattern: &'static str, answer: Handler) -> Route {
    Route {
        method: Method::POST,
        pattern,
        answer,
    }
}

/// A DELETE.
pub(super) const fn delete(pattern: &'static str, answer: Handler) -> Route {
    Route {
        method: Method::DELETE,
        pattern,
        answer,
    }
}

/// What stands at the pattern's gaps, if the path fits it.
pub(super) fn fit<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let mut found = Vec::new();
    walk(pattern, path, &mut found).then_some(found)
}

/// The first segment and what follows; `None` at the end.
fn segment(path: &str) -> Option<(&str, &str)> {
    (!path.is_empty()).then(|| path.split_once('/').unwrap_or((path, "")))
}

fn walk<'p>(pattern: &str, path: &'p str, found: &mut Vec<&'p str>) -> bool {
    let (Some((wanted, pattern)), Some((first, rest))) = (segment(pattern), segment(path)) else {
        return pattern.is_empty() && path.is_empty();
    };
    match wanted {
        "{person}" if first == "me" => {
            found.push(first);
            walk(pattern, rest, found)
        }
        "{person}" => {
            let Some((name, rest)) = segment(rest).filter(|_| first == "users") else {
                return false;
            };
            found.push(name);
            walk(pattern, rest, found)
        }
        _ => {
            if let Some((before, after)) = wanted.split_once("{path}") {
                // The longest first: a name may end in a colon as well.
                let ends = path.match_indices('/').map(|(at, _)| at);
                let mut ends: Vec<usize> = ends.chain([path.len()]).collect();
                ends.reverse();
                let known = found.len();
                return ends.into_iter().any(|end| {
                    found.truncate(known);
                    let inner = path[..end].strip_prefix(before);
                    let Some(inner) = inner.and_then(|text| text.strip_suffix(after)) else {
                        return false;
                    };
                    found.push(inner);
                    let rest = path[end..].trim_start_matches('/');
                    !inner.is_empty() && walk(pattern, rest, found)
                });
            }
            if let Some((before, after)) = wanted.split_once("{}") {
                let inner = first.strip_prefix(before);
                let Some(inner) = inner.and_then(|text| text.strip_suffix(after)) else {
                    return false;
                };
                found.push(inner);
                return !inner.is_empty() && walk(pattern, rest, found);
            }
            wanted.eq_ignore_ascii_case(first) && walk(pattern, rest, found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn patterns() {
        for (pattern, path, found) in [
            ("a/b", "a/B", Some(vec![])),
            ("a/b", "a", None),
            ("a", "a/b", None),
            ("a/{}", "a/x y", Some(vec!["x y"])),
            ("a/{}", "a/", None),
            ("{person}/presence", "me/presence", Some(vec!["me"])),
            ("{person}/presence", "users/u@x/presence", Some(vec!["u@x"])),
            ("{person}/presence", "users/presence", None),
            ("{person}/presence", "teams/t/presence", None),
            ("apps(appId='{}')", "apps(appId='1')", Some(vec!["1"])),
            ("apps(appId='{}')", "apps(id='1')", None),
            (
                "root:/{path}:/content",
                "root:/a/b.txt:/content",
                Some(vec!["a/b.txt"]),
            ),
            ("root:/{path}", "root:/a/b", Some(vec!["a/b"])),
            ("root:/{path}:/content", "root:/:/content", None),
        ] {
            assert_eq!(fit(pattern, path), found, "{pattern} {path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_path_can_be_tried(path in ".{0,60}") {
            for pattern in ["{person}/x/{}", "a/{path}:/b/{}", "{}/{}"] {
                drop(fit(pattern, &path));
            }
        }
    }
}
