//! What arrives in each situation, by promtool: the matrix, minute by minute,
//! the words, and what takes days.

use super::succeeds;

/// The matrix of situations, a file a test: each minute of each situation.
fn situations(file: &str) {
    let file = format!("alerts/tests/matrix-{file}.test.yml");
    succeeds("promtool", &["test", "rules", &file]);
}

#[test]
fn what_arrives_from_one_place() {
    situations("single");
}

#[test]
fn what_arrives_from_several_places_and_exporters() {
    situations("places");
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn what_arrives_within_hours() {
    situations("hours");
}

#[test]
fn what_arrives_of_housekeeping() {
    situations("housekeeping");
}

#[test]
fn the_matrix_is_what_its_program_writes() {
    succeeds("python3", &["alerts/tests/matrix.py", "--check"]);
}

/// Reason, since when, and the exporter that sees it, word by word.
#[test]
fn what_alerts_say() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/texts.test.yml"],
    );
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn what_takes_a_week() {
    succeeds("promtool", &["test", "rules", "alerts/tests/long.test.yml"]);
}

#[test]
#[ignore = "minutes of a core: scripts/test-long runs it, with both promtools"]
fn thirty_days_are_summed() {
    succeeds(
        "promtool",
        &["test", "rules", "alerts/tests/month.test.yml"],
    );
}
