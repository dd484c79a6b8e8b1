//! The map of the rooms in `CONTRIBUTING.md`, held against the code: which room
//! may use which, which crate is known to whom, one type of one name.
//!
//! The code is parsed, so that every `use` is seen however it is nested, and
//! every path in an expression, a type, a pattern or a macro.

mod code;
mod map;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use code::{Code, Reference};
use map::Map;

use super::queries::root;

fn map() -> Map {
    Map::parse(&std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap())
}

/// Every file under `src`, by its path from there.
fn sources() -> &'static BTreeMap<PathBuf, Code> {
    static READ: OnceLock<BTreeMap<PathBuf, Code>> = OnceLock::new();
    fn read(folder: &Path, from: &Path, into: &mut BTreeMap<PathBuf, Code>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, from, into);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(from).unwrap();
                let code = Code::parse(path, &text);
                into.insert(path.to_owned(), code);
            }
        }
    }
    READ.get_or_init(|| {
        let (src, mut found) = (root().join("src"), BTreeMap::new());
        read(&src, &src, &mut found);
        found
    })
}

fn shown(complaints: &[String]) -> String {
    format!(
        "{}\nThe map is the tables of CONTRIBUTING.md, section \"The map of the rooms\".",
        complaints.join("\n")
    )
}

#[test]
fn every_room_is_on_the_map_and_arrows_run_down_only() {
    let (map, sources) = (map(), sources());
    let mut complaints = Vec::new();
    let built: BTreeSet<&str> = sources.values().filter_map(Code::room).collect();
    for room in &built {
        if map.may_use(room).is_none() {
            complaints.push(format!("src/{room}: not on the map"));
        }
    }
    for room in map.rooms() {
        if !built.contains(room) {
            complaints.push(format!(
                "the map has a room `{room}`: there is no src/{room}"
            ));
        }
    }
    for (path, code) in sources {
        let Some(room) = code.room() else { continue };
        // The first of its kind in a file says enough.
        let mut said = BTreeSet::new();
        for reference in &code.references {
            if let Some(why) = map.refuses(room, reference, &built)
                && said.insert(reference.path.iter().take(2).collect::<Vec<_>>())
            {
                complaints.push(format!("src/{}:{}: {why}", path.display(), reference.line));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", shown(&complaints));
}

/// Cargo would take any dependency: the map says which of the workspace's own.
#[test]
fn the_crates_see_what_the_map_lets_them() {
    let map = map();
    for (name, may) in map.crates() {
        let manifest = root().join("crates").join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let own: BTreeSet<&str> = manifest
            .lines()
            .take_while(|line| !line.starts_with("[dev-dependencies"))
            .filter_map(|line| line.strip_prefix("m365mon-"))
            .filter_map(|rest| rest.split(['.', ' ', '=']).next())
            .collect();
        let may: BTreeSet<&str> = may.iter().map(String::as_str).collect();
        assert_eq!(own, may, "crates/{name}: Cargo.toml and the map differ");
    }
}

/// What is true of one kind stands in its file; everybody else asks the kind.
#[test]
fn no_room_above_asks_which_kind_it_is() {
    let sources = sources();
    if !sources.values().any(|code| code.room() == Some("kinds")) {
        return;
    }
    let mut complaints = Vec::new();
    for (path, code) in sources {
        if code.room() == Some("kinds") {
            continue;
        }
        for reference in code.references.iter().filter(|one| !one.is_test) {
            let mut steps = reference.path.iter().map(String::as_str);
            let variant = steps.find(|step| *step == "Kind").and(steps.next());
            if variant.is_some_and(|next| next.starts_with(char::is_uppercase)) {
                let (path, line) = (path.display(), reference.line);
                complaints.push(format!("src/{path}:{line}: {}", reference.path.join("::")));
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "a kind is named outside src/kinds; let `Spec` say what differs:\n{}",
        complaints.join("\n")
    );
}

/// Types that may be seen beyond their own file.
#[test]
fn one_name_is_one_type() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, code) in sources() {
        for (name, line) in &code.types {
            let place = format!("src/{}:{line}", path.display());
            places.entry(name.clone()).or_default().push(place);
        }
    }
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "rename one of them: {places:#?}");
}

/// The map and the parser themselves.
#[test]
fn what_is_refused() {
    let map = Map::parse(
        "| room | is about | may use |\n|---|---|---|\n\
         | `src/main.rs`, `src/cli/` | wiring | everything |\n\
         | `src/web/` | pages | all below |\n\
         | `src/state/` | reports | model |\n\
         | `src/model/` | words | base |\n\
         | crate or type | only in |\n|---|---|\n\
         | `axum`, `tower` | web |\n\
         | `std::fs` | all but state |\n\
         | `std::time::SystemTime::now` | – |\n",
    );
    let built = ["cli", "web", "state", "model"].into();
    let check = |file: &str, text: &str| -> Vec<String> {
        let code = Code::parse(Path::new(file), text);
        let room = code.room().unwrap();
        let refused = |r: &Reference| map.refuses(room, r, &built).map(|why| (r.line, why));
        let refused = code.references.iter().filter_map(refused);
        refused
            .map(|(line, why)| format!("{line}: {why}"))
            .collect()
    };
    let good = [
        (
            "web/app.rs",
            "use crate::{model::A, state::{self, B}}; use axum::Router;",
        ),
        ("cli/mod.rs", "use crate::web::A; use crate::model::B;"),
        (
            "state/slot.rs",
            "use super::Slot; use super::super::model::Report; mod web {}\nuse self::web::A;",
        ),
        (
            "state/mod.rs",
            "mod model; use model::A; fn f() { model::b() }",
        ),
        (
            "state/slot.rs",
            "fn f() { let web = 1; web.max(2); std::time::Duration::ZERO; }",
        ),
        (
            "state/slot.rs",
            "// crate::web\nconst A: &str = \"crate::web::B\";",
        ),
    ];
    for (file, text) in good {
        assert_eq!(check(file, text), Vec::<String>::new(), "{text}");
    }
    let bad = [
        (
            "state/slot.rs",
            "use crate::web::App;",
            "`state` uses `web`",
        ),
        (
            "state/slot.rs",
            "use crate::{\n model::A,\n web::{App, Links},\n};",
            "`state` uses `web`",
        ),
        (
            "state/slot.rs",
            "use super::super::web::App;",
            "`state` uses `web`",
        ),
        (
            "state/slot/deep.rs",
            "mod tests { use super::super::super::super::web as w; }",
            "`state` uses `web`",
        ),
        ("state/mod.rs", "use super::web;", "`state` uses `web`"),
        ("state/mod.rs", "use crate::*;", "`state` uses everything"),
        (
            "state/mod.rs",
            "fn f(a: &crate::web::App) -> bool { true }",
            "`state` uses `web`",
        ),
        (
            "state/mod.rs",
            "fn f() { crate::web::run(); }",
            "`state` uses `web`",
        ),
        (
            "state/mod.rs",
            "use crate as all; fn f() { all::web::run(); }",
            "`state` uses `web`",
        ),
        (
            "state/mod.rs",
            "fn f() { matches!(x, crate::web::App { .. }); }",
            "`state` uses `web`",
        ),
        (
            "state/mod.rs",
            "fn f() { format!(\"{}\", [crate::web::A]); }",
            "`state` uses `web`",
        ),
        (
            "state/mod.rs",
            "impl crate::web::App for A {}",
            "`state` uses `web`",
        ),
        (
            "model/a.rs",
            "pub use crate::state::A;",
            "`model` uses `state`",
        ),
        ("model/a.rs", "use crate::cli::A;", "`model` uses `cli`"),
        (
            "state/mod.rs",
            "use axum::Router;",
            "`axum` is for web only",
        ),
        (
            "state/mod.rs",
            "use ::tower as t;",
            "`tower` is for web only",
        ),
        (
            "state/mod.rs",
            "fn f() -> axum::Router { todo!() }",
            "`axum` is for web only",
        ),
        (
            "state/a.rs",
            "use std::{fs::File, io};",
            "`std::fs` is for all but state",
        ),
        (
            "web/a.rs",
            "use std::time; fn f() { time::SystemTime::now(); }",
            "`std::time::SystemTime::now` is for nobody",
        ),
        (
            "cli/a.rs",
            "use std::time::SystemTime as S; fn f() { S::now(); }",
            "`std::time::SystemTime::now` is for nobody",
        ),
    ];
    for (file, text, want) in bad {
        let found = check(file, text);
        assert!(
            found.iter().any(|why| why.contains(want)),
            "{text}: {found:?}"
        );
    }
    assert_eq!(
        check("state/a.rs", "\nuse crate::{\n web::A};")[0]
            .split(':')
            .next(),
        Some("3")
    );
}
