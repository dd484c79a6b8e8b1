//! One file of Rust: what it names of others, and the types that it makes.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, ItemUse, UseTree, Visibility};

/// A path as it is after all `use`: `["crate", "model", "Report"]`, or from the
/// name of another crate on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) path: Vec<String>,
    /// `path::*`.
    pub(super) is_glob: bool,
    /// In code that only tests see.
    pub(super) is_test: bool,
    pub(super) line: usize,
}

/// What one file says.
#[derive(Debug)]
pub(super) struct Code {
    /// Of the file: `["state", "slot"]`.
    module: Vec<String>,
    pub(super) references: Vec<Reference>,
    /// Types that others may see, outside `#[cfg(test)]`, with their lines.
    pub(super) types: Vec<(String, usize)>,
}

impl Code {
    /// `path` is from `src` on.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let file =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut module: Vec<String> = path
            .with_extension("")
            .iter()
            .map(|step| step.to_str().unwrap().to_owned())
            .collect();
        module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
        let is_test = module
            .iter()
            .any(|step| matches!(step.as_str(), "tests" | "testing"));
        let mut reader = Reader {
            module: module.clone(),
            is_test,
            names: vec![Names::default()],
            references: Vec::new(),
            types: Vec::new(),
        };
        reader.names[0].learn(&file.items);
        reader.visit_file(&file);
        Self {
            module,
            references: reader.references,
            types: reader.types,
        }
    }

    /// Where it stands; `None` for the root, which only lists the rooms.
    pub(super) fn room(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// What words stand for in one module.
#[derive(Debug, Default)]
struct Names {
    /// By `use`, as written there.
    imported: BTreeMap<String, Vec<String>>,
    /// Modules below.
    modules: Vec<String>,
}

impl Names {
    fn learn(&mut self, items: &[syn::Item]) {
        for item in items {
            match item {
                syn::Item::Use(item) => {
                    for (path, name, _) in flat(&item.tree) {
                        let path = path.iter().map(ToString::to_string).collect();
                        self.imported.insert(name, path);
                    }
                }
                syn::Item::Mod(item) => self.modules.push(item.ident.to_string()),
                _ => {}
            }
        }
    }
}

/// Every path of a `use`, the name that it gets, and whether it is a glob.
fn flat(tree: &UseTree) -> Vec<(Vec<Ident>, String, bool)> {
    fn walk(tree: &UseTree, before: &mut Vec<Ident>, found: &mut Vec<(Vec<Ident>, String, bool)>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.clone());
                walk(&path.tree, before, found);
                before.pop();
            }
            UseTree::Name(name) => {
                let mut path = before.clone();
                // `{self}` names what stands before it.
                if path.is_empty() || name.ident != "self" {
                    path.push(name.ident.clone());
                }
                let name = path.last().map(ToString::to_string).unwrap_or_default();
                found.push((path, name, false));
            }
            UseTree::Rename(rename) => {
                let mut path = before.clone();
                if path.is_empty() || rename.ident != "self" {
                    path.push(rename.ident.clone());
                }
                found.push((path, rename.rename.to_string(), false));
            }
            UseTree::Glob(_) => found.push((before.clone(), "*".into(), true)),
            UseTree::Group(group) => {
                for tree in &group.items {
                    walk(tree, before, found);
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

struct Reader {
    module: Vec<String>,
    is_test: bool,
    /// Of the file, and of each module inside it on the way down.
    names: Vec<Names>,
    references: Vec<Reference>,
    types: Vec<(String, usize)>,
}

impl Reader {
    /// From the root on. `None` for what is local.
    fn resolve(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let absolute = |module: &[String], rest: &[String]| {
            let mut whole = vec!["crate".to_owned()];
            whole.extend_from_slice(module);
            whole.extend_from_slice(rest);
            Some(whole)
        };
        let first = path.first()?;
        match first.as_str() {
            "crate" => absolute(&[], &path[1..]),
            "m365mon" => None,
            "self" => absolute(&self.module, &path[1..]),
            "super" => {
                let up = path.iter().take_while(|step| *step == "super").count();
                let module = &self.module[..self.module.len().checked_sub(up)?];
                absolute(module, &path[up..])
            }
            "Self" => None,
            _ => {
                let names = self.names.last()?;
                if let Some(stands_for) = names.imported.get(first)
                    && depth < 8
                    && stands_for.first() != Some(first)
                {
                    let mut whole = self.resolve(stands_for, depth + 1)?;
                    whole.extend_from_slice(&path[1..]);
                    return Some(whole);
                }
                if names.modules.contains(first) {
                    return absolute(&self.module, path);
                }
                Some(path.to_vec())
            }
        }
    }

    fn note(&mut self, path: &[Ident], is_glob: bool) {
        let Some(first) = path.first() else { return };
        let line = path.get(1).unwrap_or(first).span().start().line;
        let words: Vec<String> = path.iter().map(ToString::to_string).collect();
        if let Some(path) = self.resolve(&words, 0) {
            self.references.push(Reference {
                path,
                is_glob,
                is_test: self.is_test,
                line,
            });
        }
    }

    /// Paths inside a macro, of which only the tokens are known.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<Ident> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.several(&path);
                        path.clear();
                    }
                    path.push(ident);
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                }
                TokenTree::Group(group) => {
                    // `use` inside a macro, or a struct pattern after its path.
                    self.several(&path);
                    path.clear();
                    colons = 0;
                    if group.delimiter() != Delimiter::None || !group.stream().is_empty() {
                        self.tokens(group.stream());
                    }
                }
                _ => {
                    self.several(&path);
                    path.clear();
                    colons = 0;
                }
            }
        }
        self.several(&path);
    }

    fn several(&mut self, path: &[Ident]) {
        if path.len() > 1 {
            self.note(path, false);
        }
    }

    fn made(&mut self, visibility: &Visibility, name: &Ident) {
        if !self.is_test && !matches!(visibility, Visibility::Inherited) {
            self.types
                .push((name.to_string(), name.span().start().line));
        }
    }
}

fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .meta
                .require_list()
                .is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for (path, _, is_glob) in flat(&item.tree) {
            self.note(&path, is_glob);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let idents: Vec<Ident> = path
            .segments
            .iter()
            .map(|step| step.ident.clone())
            .collect();
        self.several(&idents);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        visit::visit_macro(self, item);
        self.tokens(item.tokens.clone());
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let Some((_, items)) = &item.content else {
            return;
        };
        let was = self.is_test;
        self.is_test |= only_for_tests(&item.attrs);
        self.module.push(item.ident.to_string());
        let mut names = Names::default();
        names.learn(items);
        if items.iter().any(is_all_of_above) {
            let above = &self.names[self.names.len() - 1];
            for (name, path) in &above.imported {
                // As written in the module above; only what is absolute means the same here.
                if !matches!(path[0].as_str(), "self" | "super") {
                    names
                        .imported
                        .entry(name.clone())
                        .or_insert_with(|| path.clone());
                }
            }
        }
        self.names.push(names);
        visit::visit_item_mod(self, item);
        self.names.pop();
        self.module.pop();
        self.is_test = was;
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.made(&item.vis, &item.ident);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.made(&item.vis, &item.ident);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.made(&item.vis, &item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.made(&item.vis, &item.ident);
        visit::visit_item_type(self, item);
    }
}

/// `use super::*;`
fn is_all_of_above(item: &syn::Item) -> bool {
    let syn::Item::Use(item) = item else {
        return false;
    };
    flat(&item.tree)
        .iter()
        .any(|(path, _, is_glob)| *is_glob && path.len() == 1 && path[0] == "super")
}
