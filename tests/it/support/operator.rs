//! The operator key of the tests: every exporter that they start has it, and
//! their requests carry it unless they say otherwise.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use m365mon::web::OperatorKey;

/// 32 bytes in base64; a canary as well.
pub(crate) const KEY: &str = "b3BlcmF0b3ItY2FuYXJ5LW9wZXJhdG9yLWNhbmFyeS0=";
/// The name of its header.
pub(crate) const HEADER: &str = "x-m365mon-operator";
/// Whoever sends this is nobody in particular.
pub(crate) const EVERYONE: &str = "x-m365mon-operator: none";

/// For an exporter inside the test.
pub(crate) fn key() -> OperatorKey {
    OperatorKey::parse(KEY.as_bytes()).unwrap()
}

/// The header as a line.
pub(crate) fn line() -> String {
    format!("{HEADER}: {KEY}")
}

/// For `--web.operator-file`.
pub(crate) fn key_file() -> &'static Path {
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
        let name = format!("operator-{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        _ = std::fs::remove_file(&path);
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(&path);
        std::io::Write::write_all(&mut file.unwrap(), KEY.as_bytes()).unwrap();
        path
    });
    &FILE
}
