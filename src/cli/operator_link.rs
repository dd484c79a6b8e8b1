//! The link that makes a browser an operator's, and who is told of it.

use std::io::{IsTerminal as _, stderr, stdin};
use std::path::Path;

use crate::model::{Random, Secret, Timestamp};
use crate::web::{OPERATOR_PATH, OperatorKey};

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
    if set("KUBERNETES_SERVICE_HOST") {
        let pod = std::env::var("HOSTNAME").unwrap_or_else(|_| "POD".into());
        return format!(
            "kubectl exec {pod} -- m365mon open, and kubectl port-forward {pod} to the same port"
        );
    }
    if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() {
        let container = std::env::var("HOSTNAME").unwrap_or_else(|_| "CONTAINER".into());
        return format!("docker exec {container} m365mon open");
    }
    // The unit of the package, whose state nobody else can open.
    if set("INVOCATION_ID") && Path::new("/usr/bin/m365mon-run").exists() {
        return "m365mon-run open, as root".into();
    }
    format!("m365mon open --web.operator-file {}", key.display())
}
