//! Writes `docs/configuration.md` from the table of keys; a test holds the
//! file against it.

use super::schema::tables;
use crate::kinds;
use crate::kinds::AnyKey;

const BEFORE: &str = "\
# The configuration file

<!-- Written by the test `config::the_documentation_is_current`; change `src/config/schema/`. -->

m365mon reads one YAML file (`--config.file`, `M365MON_CONFIG_FILE`, else `m365mon.yml`). It is strict: a key
that is not listed here, a key or name given twice, or a value of the wrong type is an error with its line
and column. `m365mon check-config` shows all of them at once and exits with 3, or says what the file asks for. It
opens the files that the configuration names as `m365mon serve` does and judges them likewise; one that is not there
is a warning, for it may come yet.

- Durations are written as in Prometheus: `60s`, `1m30s`, `2h`, `7d`, `250ms`.
- Paths are relative to the folder of the file that names them.
- `null` is the same as leaving a key out; `managed_identity` and `workload_identity` are written with `{}` instead,
  and `proxy_url: null` of an account or a resource means no proxy.
- Any value may be `${NAME}`: what the environment variable holds. It is the whole value or none of it; a variable
  that is not set, or empty, and a `${` inside of other text are errors; within `{…}` and `[…]` it needs quotes. `/config` and every complaint show the name,
  never what it holds.
- The file, and each of `resource_files`, is UTF-8, or UTF-16 with its mark; only regular files are read, and stdin
  with `--config.file -`.
- Label names are letters, digits and `_`. Refused are names that begin with `__`, `job`, `instance`, `le`,
  `quantile` and every label name of the metrics themselves. At most 10 in one mapping, values at most 128 bytes.
  `--label NAME=VALUE` of `m365mon serve` (`M365MON_LABEL`) adds labels of the process and wins over those of the file.
- Every secret may come from a file (`…_file`), the environment (`…_env`) or stand in the file itself; exactly
  one of them. It is never shown in an error, a log, a page or a metric. In a file it is one line; white space around
  it, a byte order mark and UTF-16 do not count.
- Certificates and keys are PEM, in one file or two, others of a chain in any order. What else a file is (PFX, DER,
  OpenSSH, another key), an error names, with the line of `openssl` that makes PEM of it.
- Without `http.proxy_url` the environment names the proxy, as for curl: the first of `https_proxy`, `HTTPS_PROXY`,
  `all_proxy` and `ALL_PROXY` that is not empty, an `http://` URL or `host:port` (80 without). `no_proxy`, else
  `NO_PROXY`, lists who goes without, as curl or Go take it: `contoso.com` and `.contoso.com` (with all below),
  `*.contoso.com` (only what is below), addresses, networks (`10.0.0.0/8`), each perhaps with `:port`, and `*`.
  This machine always goes without. A value that cannot be one, as with quotation marks in it, is an error.
- Annotated examples are in [`examples/`](../examples).
";

/// The page about every key, in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut page = BEFORE.to_owned();
    for table in tables() {
        let title = if table.path.is_empty() {
            "The file".to_owned()
        } else {
            format!("`{}`", table.path)
        };
        section(&mut page, &title, table.help, table.keys);
        if table.path == "resources[]" {
            for kind in kinds::ALL {
                let title = format!("`resources[]` with `kind: {}`", kind.name);
                section(&mut page, &title, kind.help, kind.keys);
            }
        }
    }
    page
}

fn section(page: &mut String, title: &str, help: &str, keys: &[&dyn AnyKey]) {
    page.push_str(&format!("\n## {title}\n{help}\n"));
    if !keys.is_empty() {
        kinds::table(page, keys);
    }
}
