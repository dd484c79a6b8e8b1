//! The tables of `CONTRIBUTING.md`.

use std::collections::{BTreeMap, BTreeSet};

use super::code::Reference;

/// Who may use what.
#[derive(Debug, Default)]
pub(super) struct Map {
    /// From the top down; what each may use, rooms and crates of the workspace.
    rooms: Vec<(String, May)>,
    /// Below `crates/`.
    crates: BTreeMap<String, Vec<String>>,
    /// A path from a crate's name on, and who may know it.
    words: Vec<(Vec<String>, Known)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum May {
    Everything,
    /// What stands further down in the table.
    Below,
    These(Vec<String>),
}

/// Who may know a crate or type.
#[derive(Debug)]
enum Known {
    By(Vec<String>),
    AllBut(Vec<String>),
}

impl Known {
    fn parse(cell: &str) -> Self {
        match cell.strip_prefix("all but ") {
            Some(rooms) => Self::AllBut(list(rooms)),
            None => Self::By(list(cell)),
        }
    }

    fn lets(&self, room: &str) -> bool {
        let among = |rooms: &[String]| rooms.iter().any(|name| name == room);
        match self {
            Self::By(rooms) => among(rooms),
            Self::AllBut(rooms) => !among(rooms),
        }
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::By(rooms) if rooms.is_empty() => write!(f, "nobody"),
            Self::By(rooms) => write!(f, "{} only", rooms.join(", ")),
            Self::AllBut(rooms) => write!(f, "all but {}", rooms.join(", ")),
        }
    }
}

fn list(cell: &str) -> Vec<String> {
    cell.split(',')
        .map(|word| word.trim().trim_matches('`').to_owned())
        .filter(|word| !word.is_empty() && word != "–")
        .collect()
}

impl Map {
    /// Reads the tables of its section: rows that name folders of `src`, rows that name
    /// folders of `crates`, and rows of two cells, a crate or type and the rooms
    /// that may know it.
    pub(super) fn parse(text: &str) -> Self {
        let mut map = Self::default();
        let section = text
            .split("\n## ")
            .find_map(|section| section.strip_prefix("The map of the rooms"));
        let rows = section
            .unwrap_or(text)
            .lines()
            .filter(|line| line.starts_with("| `"));
        for row in rows {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            match cells[..] {
                [names, _, may] if names.contains("`src/") => {
                    let may = match may {
                        "everything" => May::Everything,
                        "all below" => May::Below,
                        these => May::These(list(these)),
                    };
                    let room = list(names)
                        .iter()
                        .find_map(|name| {
                            Some(name.strip_prefix("src/")?.strip_suffix('/')?.to_owned())
                        })
                        .unwrap_or_else(|| panic!("no folder in the row {row}"));
                    map.rooms.push((room, may));
                }
                [names, _, may] if names.contains("`crates/") => {
                    let name = list(names)[0].trim_start_matches("crates/").to_owned();
                    map.crates.insert(name, list(may));
                }
                [words, rooms] => {
                    for word in list(words) {
                        let path = word.split("::").map(ToOwned::to_owned).collect();
                        map.words.push((path, Known::parse(rooms)));
                    }
                }
                _ => {}
            }
        }
        map
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.iter().map(|(room, _)| room.as_str())
    }

    pub(super) const fn crates(&self) -> &BTreeMap<String, Vec<String>> {
        &self.crates
    }

    pub(super) fn may_use(&self, room: &str) -> Option<&May> {
        let found = self.rooms.iter().find(|(name, _)| name == room);
        found.map(|(_, may)| may)
    }

    fn lets(&self, room: &str, other: &str) -> bool {
        let place = |name: &str| self.rooms().position(|room| room == name);
        match self.may_use(room) {
            None | Some(May::Everything) => true,
            Some(May::Below) => place(other) > place(room),
            Some(May::These(these)) => these.iter().any(|name| name == other),
        }
    }

    /// Why this room must not say that; `built` are the rooms that there are.
    pub(super) fn refuses(
        &self,
        room: &str,
        reference: &Reference,
        built: &BTreeSet<&str>,
    ) -> Option<String> {
        let path = &reference.path;
        let named = path.join("::");
        if path.first().is_some_and(|first| first == "crate") {
            if path.len() == 1 && reference.is_glob && self.may_use(room) != Some(&May::Everything)
            {
                return Some(format!("`{room}` uses everything (`use crate::*`)"));
            }
            let other = path.get(1)?;
            let is_room = built.contains(other.as_str());
            return (is_room && other != room && !self.lets(room, other)).then(|| {
                let may = match self.may_use(room) {
                    Some(May::These(these)) => these.join(", "),
                    _ => "what is below it".into(),
                };
                format!("`{room}` uses `{other}` ({named}); it may use {may}")
            });
        }
        let (word, known) = self.words.iter().find(|(word, _)| path.starts_with(word))?;
        (!reference.is_test && !known.lets(room))
            .then(|| format!("`{}` is for {known} ({named})", word.join("::")))
    }
}
