//! The link that makes a browser an operator's, and who is told of it.

use std::ffi::OsString;
use std::io::{IsTerminal as _, stderr, stdin};
use std::path::Path;

use crate::model::{Random, Secret, Timestamp};
use crate::web::{OPERATOR_PATH, OperatorKey, key_places};

/// The link below a base that may end with a slash. What makes it good stands
/// behind the `#`, which browsers send nowhere.
pub(crate) fn link(base: &str, key: &OperatorKey, now: Timestamp, random: &dyn Random) -> Secret {
    let token = key.link(now, random);
    Secret::new(format!(
        "{}{OPERATOR_PATH}#{}",
        base.trim_end_matches('/'),
        token.expose()
    ))
}

/// Whether what goes to stderr is read by the person who started this, and
/// kept nowhere.
pub(crate) fn is_seen_by_a_person() -> bool {
    stdin().is_terminal()
        && stderr().is_terminal()
        && std::process::id() != 1
        && std::env::var_os("JOURNAL_STREAM").is_none()
}

/// How to get a link here.
pub(crate) fn command(key: &Path) -> String {
    let set = |name: &str| std::env::var_os(name).is_some();
    let open = format!("m365mon open{}", named(key, |name| std::env::var_os(name)));
    if set("KUBERNETES_SERVICE_HOST") {
        let pod = std::env::var("HOSTNAME").unwrap_or_else(|_| "POD".into());
        return format!(
            "kubectl exec {pod} -- {open}, and kubectl port-forward {pod} to the same port"
        );
    }
    if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() {
        let container = std::env::var("HOSTNAME").unwrap_or_else(|_| "CONTAINER".into());
        return format!("docker exec {container} {open}");
    }
    // The unit of the package, whose state nobody else can open.
    if set("INVOCATION_ID") && Path::new("/usr/bin/m365mon-run").exists() {
        return "m365mon-run open, as root".into();
    }
    open
}

/// The flag that names the key, where a command with this environment would look
/// elsewhere.
fn named(key: &Path, variable: impl Fn(&str) -> Option<OsString>) -> String {
    let is_named = variable("M365MON_WEB_OPERATOR_FILE").is_some_and(|path| path == key);
    let places = key_places(Path::new(""), |name| {
        variable(name).filter(|_| name == "STATE_DIRECTORY")
    });
    let is_first =
        variable("STATE_DIRECTORY").is_some() && places.first().is_some_and(|it| it == key);
    if is_named || is_first {
        String::new()
    } else {
        format!(" --web.operator-file {}", key.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_where_it_is_not_found() {
        let key = Path::new("/run/m365mon/operator");
        for (name, value, expected) in [
            ("STATE_DIRECTORY", "/run/m365mon", ""),
            ("STATE_DIRECTORY", "/run/m365mon:/var/lib/other", ""),
            ("M365MON_WEB_OPERATOR_FILE", "/run/m365mon/operator", ""),
            (
                "STATE_DIRECTORY",
                "/var/lib/m365mon",
                " --web.operator-file /run/m365mon/operator",
            ),
            (
                "HOME",
                "/run/m365mon",
                " --web.operator-file /run/m365mon/operator",
            ),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.into());
            assert_eq!(named(key, variable), expected, "{name}={value}");
        }
    }
}
