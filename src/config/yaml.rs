//! The one place that reads YAML: text to a tree in which every key and every
//! value knows its line and column. It promises that whatever may be a secret
//! is sealed before anyone sees the tree, that no message quotes the text, and
//! that work is bounded by the size of the file, not by what its aliases say.
//! `check` turns the tree into types.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::granit_parser::ErrorKind;
use serde_yaml::localizer::ExternalMessageSource;
use serde_yaml::{Error, Location, NonFiniteFloatPolicy, Options, Spanned};

use super::diagnostic::Position;
use crate::model::Secret;

/// Most scalars, lists and mappings in one file. A resource with everything
/// that can be said about it has about forty.
const MOST_NODES: usize = 2_000_000;
/// Most nodes that aliases may add.
const MOST_REPLAYED: usize = 500_000;
/// The configuration itself is six deep.
const MOST_DEPTH: usize = 16;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// Of its first character; inside an alias, where it was written.
    pub(super) at: Position,
    /// What it is.
    pub(super) value: Value,
    /// It was `${NAME}`, and this is what the environment says: text, also
    /// where a number or a word without quotes is wanted.
    pub(super) is_variable: bool,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<MappingEntry>),
    /// Under a key that holds a secret: never quoted, and only the text of a
    /// plain one can be had.
    Sealed(Shape, Option<Secret>),
}

/// One pair of a mapping.
#[derive(Debug)]
pub(super) struct MappingEntry {
    /// `None` for a list or mapping as a key.
    pub(super) key: Option<String>,
    /// Where the key stands.
    pub(super) at: Position,
    /// What it is set to.
    pub(super) value: Node,
}

/// The type of a value, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Mapping,
}

impl Shape {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

impl Node {
    pub(super) const fn new(at: Position, value: Value) -> Self {
        Self {
            at,
            value,
            is_variable: false,
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match &self.value {
            Value::Null => Shape::Null,
            Value::Boolean(_) => Shape::Boolean,
            Value::Integer(_) | Value::Float(_) => Shape::Number,
            Value::Text(_) => Shape::Text,
            Value::List(_) => Shape::List,
            Value::Mapping(_) => Shape::Mapping,
            Value::Sealed(shape, _) => *shape,
        }
    }

    pub(super) const fn is_null(&self) -> bool {
        matches!(self.shape(), Shape::Null)
    }

    /// Text that is no secret.
    pub(super) const fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// What was found, for a message: with its text unless it is sealed.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::Boolean(value) => format!("{value}"),
            Value::Integer(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => super::diagnostic::quoted(text),
            Value::Sealed(shape, _) => format!("{} (not shown)", shape.as_str()),
            Value::Null | Value::List(_) | Value::Mapping(_) => self.shape().as_str().to_owned(),
        }
    }
}

/// Reads the document of this file, in the order in which files are read; an
/// empty one is an empty mapping.
///
/// # Errors
/// A syntax error, a doubled document or a bound, with its position. The
/// message never quotes the text.
pub(super) fn parse(text: &str, file: u16) -> Result<Node, (Position, String)> {
    let in_file = |at: Position| Position { file, ..at };
    let mut root = parse_sealing(text, seal).map_err(|(at, message)| (in_file(at), message))?;
    if file > 0 {
        move_to(&mut root, file);
    }
    Ok(root)
}

/// Tells every node which file it stands in.
fn move_to(node: &mut Node, file: u16) {
    node.at.file = file;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| move_to(item, file)),
        Value::Mapping(entries) => {
            for entry in entries {
                entry.at.file = file;
                move_to(&mut entry.value, file);
            }
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Sealed(..) => {}
    }
}

/// The same for a single file whose secrets are elsewhere: `seal` closes them.
///
/// # Errors
/// As [`parse`].
pub(super) fn parse_sealing(text: &str, seal: fn(&mut Node)) -> Result<Node, (Position, String)> {
    let mut root = serde_yaml::from_str_with_options::<Option<Spanned<Raw>>>(text, options())
        .map_err(|error| {
            let at = error.location().map_or(Position::NONE, Position::from);
            (at, with_hint(describe(&error), text, at))
        })?
        .map_or_else(|| Node::new(START, Value::Null), Node::from);
    if root.is_null() {
        root.value = Value::Mapping(Vec::new());
    }
    seal(&mut root);
    Ok(root)
}

/// The message, with what is probably missing: in braces `${NAME}` is no value
/// without quotes.
fn with_hint(message: String, text: &str, at: Position) -> String {
    let line = usize::try_from(at.line.saturating_sub(1)).unwrap_or_default();
    let before = text.lines().nth(line).is_some_and(|line| {
        let column = usize::try_from(at.column).unwrap_or(usize::MAX);
        let before: String = line.chars().take(column).collect();
        before.contains("${")
    });
    if before && message.starts_with("a \",\" or") {
        format!(
            "{message}; \"${{NAME}}\" needs quotes where the mapping or list is written in brackets"
        )
    } else {
        message
    }
}

/// Where a file begins.
const START: Position = Position {
    file: 0,
    line: 1,
    column: 1,
};

fn options() -> Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_events: 3 * MOST_NODES,
            max_nodes: MOST_NODES,
            max_depth: MOST_DEPTH,
            flow_nesting_limit: MOST_DEPTH,
            max_documents: 1,
            max_aliases: 100_000,
            max_anchors: 10_000,
            max_merge_keys: 100_000,
            max_recorded_anchor_events: MOST_REPLAYED,
            // One anchor with the common part, used by every resource, is fine;
            // what aliases add in total is bounded below.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: MOST_REPLAYED,
            max_replay_stack_depth: 8,
        },
        // Doubled keys are found in the tree, where secrets are sealed already
        // and both places are known.
        duplicate_keys: serde_yaml::options::DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        // A snippet shows neighbouring lines, and with them secrets.
        with_snippet: false,
        crop_radius: 0,
    }
}

/// True for keys whose value is a secret, or may be one by mistake.
fn holds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let named = ["secret", "password", "passphrase", "token", "proxy"]
        .iter()
        .any(|word| key.contains(word));
    let plain = ["_file", "_env", "_interval"];
    named && !plain.iter().any(|end| key.ends_with(end))
}

/// Replaces every value that may be a secret, down from this node.
fn seal(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(seal),
        Value::Mapping(entries) => {
            for entry in entries {
                match entry.key.as_deref() {
                    // Names that the user chose.
                    Some("labels" | "resolve") => {}
                    Some("client_secret") if entry.value.shape() == Shape::Mapping => {
                        seal(&mut entry.value);
                    }
                    Some(key) if holds_secret(key) => close(&mut entry.value),
                    _ => seal(&mut entry.value),
                }
            }
        }
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Sealed(..) => {}
    }
}

/// Makes a secret of a value.
pub(super) fn close(node: &mut Node) {
    let shape = node.shape();
    let secret = match std::mem::replace(&mut node.value, Value::Null) {
        Value::Text(text) => Some(Secret::new(text)),
        _ => None,
    };
    node.value = Value::Sealed(shape, secret);
}

/// Says what is wrong without a word of the text: under a secret's key a
/// parser's message could quote the secret.
fn describe(error: &Error) -> String {
    match error.without_snippet() {
        Error::AliasError { error, .. } => describe(error),
        Error::ExternalMessage { source, .. } => match &**source {
            ExternalMessageSource::Parser(scan) => syntax(scan.kind()),
            _ => "this is not valid YAML".into(),
        },
        Error::Eof { .. } => "the file ends too early".into(),
        Error::MultipleDocuments { .. } => {
            "a second YAML document begins here; one file is one configuration".into()
        }
        Error::UnknownAnchor { .. } => syntax(&ErrorKind::UnknownAnchor),
        Error::UnsupportedTag { .. } => {
            "YAML tags are not used here; a value that begins with \"!\" needs quotes".into()
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            "\"<<\" takes an alias of a mapping, or a list of them".into()
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "an alias may not stand inside of what it repeats".into()
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => too_many_aliases(),
        Error::Budget { breach, .. } => budget(breach),
        _ => "this cannot be read as YAML".into(),
    }
}

fn too_many_aliases() -> String {
    format!("aliases repeat too much here (at most {MOST_REPLAYED} values, 8 deep)")
}

fn budget(breach: &serde_yaml::budget::BudgetBreach) -> String {
    use serde_yaml::budget::BudgetBreach as Breach;
    match breach {
        Breach::Depth { .. } => format!("nested too deeply (at most {MOST_DEPTH} levels)"),
        Breach::RecordedAnchorEvents { .. }
        | Breach::RecordedAnchorBytes { .. }
        | Breach::Aliases { .. }
        | Breach::Anchors { .. }
        | Breach::MergeKeys { .. } => too_many_aliases(),
        Breach::Documents { .. } => {
            "a second YAML document begins here; one file is one configuration".into()
        }
        _ => format!("the file is too large (at most {MOST_NODES} values)"),
    }
}

fn syntax(kind: &ErrorKind) -> String {
    let text = match kind {
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => {
            "this alias has no anchor; a value that begins with \"*\" or \"&\" needs quotes"
        }
        ErrorKind::UnexpectedCharacter { .. } => {
            "a value may not begin with this character; put it in quotes"
        }
        ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabInPlainScalar => "a tab is not allowed here; indent with spaces",
        ErrorKind::InvalidIndentation => "this line is not indented like its neighbours",
        ErrorKind::MappingValueNotAllowed => {
            "a \": \" is not allowed here; is the line indented wrongly, or does a value need quotes?"
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            "a key needs a \": \" after it on the same line"
        }
        ErrorKind::ExpectedBlockMappingKey => {
            "a key was expected here; is the line indented like its neighbours?"
        }
        ErrorKind::ExpectedBlockSequenceEntry => {
            "an item that begins with \"- \" was expected here; is the line indented like its neighbours?"
        }
        ErrorKind::ExpectedFlowMappingSeparator => "a \",\" or \"}\" is missing before this",
        ErrorKind::ExpectedFlowSequenceSeparator => "a \",\" or \"]\" is missing before this",
        ErrorKind::UnclosedFlowCollection { open } => {
            return format!("a \"{open}\" is opened here and never closed");
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return format!("a \"{open}\" was opened, but \"{close}\" closes it here");
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => {
            "in double quotes a backslash begins an escape, and this is none; a Windows path goes into single quotes"
        }
        ErrorKind::UnclosedQuotedScalar => "a quote is opened here and never closed",
        ErrorKind::UndeclaredTagHandle
        | ErrorKind::ExpectedTagBang
        | ErrorKind::InvalidGlobalTagCharacter
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri => {
            "YAML tags are not used here; a value that begins with \"!\" needs quotes"
        }
        ErrorKind::RecursionLimitExceeded => {
            return format!("nested too deeply (at most {MOST_DEPTH} levels)");
        }
        // What these carry comes from outside the parser.
        ErrorKind::InputDecoding { .. } | ErrorKind::InputIo { .. } | ErrorKind::Custom(_) => {
            "this cannot be read as YAML"
        }
        // The others are fixed sentences, with a bracket at most.
        other => return format!("this is not valid YAML: {other}"),
    };
    text.into()
}

impl From<Location> for Position {
    fn from(location: Location) -> Self {
        Self {
            file: 0,
            line: u32::try_from(location.line()).unwrap_or(u32::MAX),
            column: u32::try_from(location.column()).unwrap_or(u32::MAX),
        }
    }
}

impl From<Spanned<Raw>> for Node {
    fn from(spanned: Spanned<Raw>) -> Self {
        let at = if spanned.defined == Location::UNKNOWN {
            spanned.referenced
        } else {
            spanned.defined
        };
        Self::new(at.into(), spanned.value.0)
    }
}

/// A value as the deserializer gives it, before it has a place.
struct Raw(Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element::<Spanned<Raw>>()? {
            items.push(item.into());
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<Raw>>()? {
            let key = Node::from(key);
            let text = match key.value {
                Value::Text(text) => Some(text),
                Value::Null => Some("null".to_owned()),
                Value::Boolean(value) => Some(value.to_string()),
                Value::Integer(value) => Some(value.to_string()),
                Value::Float(value) => Some(value.to_string()),
                Value::List(_) | Value::Mapping(_) | Value::Sealed(..) => None,
            };
            entries.push(MappingEntry {
                key: text,
                at: key.at,
                value: map.next_value::<Spanned<Raw>>()?.into(),
            });
        }
        Ok(Value::Mapping(entries))
    }
}
