//! Writes the table of keys of `docs/web-config.md`; a test holds the file
//! against it.

use super::schema::TABLES;
use crate::config::schema::Key;

/// Every key of the web configuration, in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut page = String::new();
    for table in TABLES {
        let title = match table.path {
            "" => "The file".to_owned(),
            path => format!("`{path}`"),
        };
        page.push_str(&format!("\n### {title}\n"));
        if !table.help.is_empty() {
            page.push_str(&format!("\n{}\n", table.help));
        }
        page.push_str("\n| key | takes | default | |\n|---|---|---|---|\n");
        for Key {
            name,
            takes,
            default,
            help,
        } in table.keys
        {
            page.push_str(&format!("| `{name}` | {takes} | {default} | {help} |\n"));
        }
    }
    page
}
