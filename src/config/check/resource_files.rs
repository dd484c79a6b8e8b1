//! `resource_files`: resources in files of their own, each a list. Whoever may
//! write such a file says what is watched, and nothing about accounts, hosts of
//! audiences or the process.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Context;
use crate::config::diagnostic::{Position, quoted};
use crate::config::doubled;
use crate::config::fields::{self, Fields};
use crate::config::yaml::{self, Node, Shape, Value};
use crate::config::{MOST_BYTES, glob, text};
use crate::files;

/// Most files that all patterns may find.
const MOST_FILES: usize = 10_000;

/// What the patterns found.
#[derive(Default)]
pub(super) struct ResourceFiles {
    /// Absolute or relative to the working folder.
    pub(super) patterns: Vec<PathBuf>,
    /// One list a file.
    trees: Vec<Node>,
}

impl ResourceFiles {
    /// Reads all files; what is wrong with one keeps none of the others from
    /// being read. `first`: how many resources the configuration itself has.
    pub(super) fn read(root: &Fields<'_>, first: usize, context: &Context<'_>) -> Self {
        let mut found = Self::default();
        let Some(node) = root.get("resource_files") else {
            return found;
        };
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            // One stands for a list of one.
            Value::Text(_) => std::slice::from_ref(node),
            _ => {
                let message = format!(
                    "\"resource_files\" must be a list of paths or patterns, not {}",
                    node.found()
                );
                context.diagnostics.refuse(node.at, message);
                return found;
            }
        };
        let mut seen = HashSet::new();
        let mut reader = FileReader {
            context,
            left: MOST_BYTES,
            next: first,
        };
        for item in items {
            let Some(pattern) = fields::text(item, "resource_files", context.diagnostics) else {
                continue;
            };
            let at = pattern.at;
            if let Some(wrong) = unfit(pattern.value) {
                let message = format!("\"resource_files\": {} {wrong}", quoted(pattern.value));
                context.diagnostics.refuse(at, message);
                continue;
            }
            let pattern = context.diagnostics.path_at(at, pattern.value);
            let paths = match glob::files(&pattern) {
                Ok(paths) => paths,
                Err(error) => {
                    let message = format!("\"resource_files\": {error}");
                    context.diagnostics.refuse(at, message);
                    continue;
                }
            };
            if paths.is_empty() {
                let message = "\"resource_files\": no file fits this pattern";
                context.diagnostics.warn(at, message);
            }
            found.patterns.push(pattern);
            for path in paths {
                if !seen.insert(path.clone()) {
                    continue;
                }
                if seen.len() > MOST_FILES {
                    let message =
                        format!("\"resource_files\": more than {MOST_FILES} files are found");
                    context.diagnostics.refuse(at, message);
                    return found;
                }
                found.trees.extend(reader.tree(&path, at));
            }
        }
        found
    }

    /// All resources in them, in their order.
    pub(super) fn items(&self) -> impl Iterator<Item = &Node> {
        self.trees.iter().flat_map(items_of)
    }
}

fn items_of(tree: &Node) -> &[Node] {
    match &tree.value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn unfit(pattern: &str) -> Option<&'static str> {
    if pattern.contains("**") {
        Some("has \"**\" in it; name each folder on the way by \"*\"")
    } else if pattern.contains(char::is_control) {
        Some("is no path; a Windows path goes into single quotes")
    } else {
        None
    }
}

struct FileReader<'a> {
    context: &'a Context<'a>,
    /// Bytes that may still be read.
    left: u64,
    /// The number of the next resource.
    next: usize,
}

impl FileReader<'_> {
    /// The list in a file; a complaint if it has none. `named_at`: where the
    /// configuration names it.
    fn tree(&mut self, path: &Path, named_at: Position) -> Option<Node> {
        let diagnostics = self.context.diagnostics;
        let read = files::read(path, self.left);
        let bytes = read.as_deref().map(Vec::as_slice).ok();
        self.context.digest.borrow_mut().add(path, bytes);
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                diagnostics.refuse(named_at, format!("\"resource_files\": {error}"));
                return None;
            }
        };
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let file = diagnostics.add_file(path);
        let parsed = text(&bytes, file).and_then(|text| yaml::parse(&text, file));
        let mut tree = match parsed {
            Ok(tree) => tree,
            Err((at, message)) => {
                diagnostics.refuse(at, message);
                return None;
            }
        };
        if let Some((at, message)) = doubled::doubled(&tree) {
            diagnostics.refuse(at, message);
            return None;
        }
        if let Some(wrong) = no_list(&tree) {
            diagnostics.refuse(tree.at, wrong);
            return None;
        }
        self.context
            .substitution()
            .resolve(&mut tree, "resources", self.next);
        self.next += items_of(&tree).len();
        Some(tree)
    }
}

/// Why this is no list of resources.
fn no_list(tree: &Node) -> Option<String> {
    const LIKE: &str = "a file of resources is a list, each item as \"- {name: …, kind: …}\"";
    let entries = match &tree.value {
        Value::List(_) => return None,
        Value::Mapping(entries) => entries,
        _ => return Some(format!("{LIKE}, not {}", tree.shape().as_str())),
    };
    // What an interrupted write leaves.
    if entries.is_empty() {
        return Some(format!(
            "the file is empty: {LIKE}; \"[]\" is one without any"
        ));
    }
    let has = |name: &str| {
        let mut keys = entries.iter().filter_map(|entry| entry.key.as_deref());
        keys.any(|key| key == name)
    };
    Some(if has("accounts") {
        format!("this is a whole configuration, and {LIKE}; is it found by its own pattern?")
    } else if has("resources") {
        format!("{LIKE}; leave \"resources:\" away here")
    } else {
        format!("{LIKE}, not {}", Shape::Mapping.as_str())
    })
}
