//! Writes the table of keys of `docs/web-config.md`; a test holds the file
//! against it.

use super::schema::tables;
use crate::kinds::table;

/// Every key of the web configuration, in Markdown.
#[must_use]
pub fn documentation() -> String {
    let mut page = String::new();
    for part in tables() {
        let title = match part.path {
            "" => "The file".to_owned(),
            path => format!("`{path}`"),
        };
        page.push_str(&format!("\n### {title}\n"));
        if !part.help.is_empty() {
            page.push_str(&format!("\n{}\n", part.help));
        }
        table(&mut page, part.keys);
    }
    page
}
