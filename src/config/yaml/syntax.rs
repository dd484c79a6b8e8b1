//! What is wrong with a text that is no YAML, without a word of it: it may be a
//! secret.

use serde_yaml::Error;
use serde_yaml::granit_parser::ErrorKind;
use serde_yaml::localizer::ExternalMessageSource;

use super::{MOST_DEPTH, MOST_NODES, MOST_REPLAYED};
use crate::config::diagnostic::Position;

/// Where the text is wrong, and how.
pub(super) fn complaint(error: &Error, text: &str) -> (Position, String) {
    let at = error.location().map_or(Position::NONE, Position::from);
    (at, with_hint(describe(error), text, at))
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
