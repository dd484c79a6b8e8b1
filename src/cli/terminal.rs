//! What a terminal gets that a file does not: colours, lines of its width, and
//! one line that says how far a command has come.

use std::io::{self, IsTerminal as _};

use parking_lot::Mutex;

use crate::model::Outcome;
use crate::probe::Watcher;

/// How stdout is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// Somebody looks at it who has not said that colours are unwanted.
    pub(crate) colours: bool,
    /// Its width in characters; `None` for a file or a pipe.
    pub(crate) width: Option<usize>,
}

impl Screen {
    /// That of stdout.
    pub(crate) fn of_stdout() -> Self {
        let seen = io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colours: seen && !plain && !is_dumb(),
            width: seen.then(|| width(&io::stdout())),
        }
    }
}

/// Narrower ones are written to as if they had this width.
const NARROWEST: usize = 40;
/// Where a terminal does not tell.
const USUAL: usize = 80;

#[cfg(unix)]
fn width(terminal: &impl std::os::fd::AsFd) -> usize {
    let told = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    if told == 0 {
        USUAL
    } else {
        told.max(NARROWEST)
    }
}

#[cfg(not(unix))]
fn width<T>(_: &T) -> usize {
    USUAL
}

/// One that takes no orders, as in an editor's shell.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Who watches this command while it runs: whoever looks at stderr, if that is
/// a terminal; else nobody.
pub(crate) fn watcher() -> Box<dyn Watcher> {
    if io::stderr().is_terminal() && !is_dumb() {
        Box::new(ProgressLine::new(io::stderr(), width(&io::stderr())))
    } else {
        Box::new(())
    }
}

/// One line that is written over again and again, and is gone in the end.
struct ProgressLine<W: io::Write + Send>(Mutex<ProgressState<W>>);

struct ProgressState<W: io::Write> {
    out: W,
    width: usize,
    resources: usize,
    done: usize,
    problems: usize,
    /// Under way, in the order in which they began.
    under_way: Vec<String>,
}

impl<W: io::Write + Send> ProgressLine<W> {
    fn new(out: W, width: usize) -> Self {
        Self(Mutex::new(ProgressState {
            out,
            width,
            resources: 0,
            done: 0,
            problems: 0,
            under_way: Vec::new(),
        }))
    }
}

impl<W: io::Write> ProgressState<W> {
    fn show(&mut self, text: &str) {
        // One column less: some terminals go to the next line after the last one.
        let text: String = text.chars().take(self.width.saturating_sub(1)).collect();
        _ = write!(self.out, "\r\x1b[K{text}").and_then(|()| self.out.flush());
    }

    fn show_probes(&mut self) {
        let now = self.under_way.first().map_or("", String::as_str);
        let text = match (self.resources, self.problems) {
            (..=1, _) => format!("probing {now}"),
            (all, 0) => format!("{} of {all} probed; {now}", self.done),
            (all, problems) => {
                let s = if problems == 1 { "" } else { "s" };
                format!(
                    "{} of {all} probed, {problems} problem{s}; {now}",
                    self.done
                )
            }
        };
        self.show(text.trim_end_matches("; "));
    }
}

impl<W: io::Write + Send> Watcher for ProgressLine<W> {
    fn expect(&self, resources: usize) {
        self.0.lock().resources = resources;
    }

    fn step(&self, words: &str) {
        self.0.lock().show(words);
    }

    fn began(&self, resource: &str) {
        let mut line = self.0.lock();
        line.under_way.push(resource.to_owned());
        line.show_probes();
    }

    fn ended(&self, resource: &str, outcome: Outcome) {
        let mut line = self.0.lock();
        line.under_way.retain(|name| name != resource);
        line.done += 1;
        line.problems += usize::from(outcome != Outcome::Success);
        line.show_probes();
    }
}

impl<W: io::Write + Send> Drop for ProgressLine<W> {
    fn drop(&mut self) {
        self.0.lock().show("");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_line_says_how_far_it_is_and_goes_away() {
        let sink = Sink::default();
        let line = ProgressLine::new(sink.clone(), 42);
        line.expect(3);
        line.step("contoso: a token for https://graph.microsoft.com");
        line.began("intranet");
        line.began("hr");
        line.ended("intranet", Outcome::Success);
        line.ended("hr", Outcome::Failure);
        drop(line);
        let text = String::from_utf8(sink.0.lock().clone()).unwrap();
        let shown: Vec<&str> = text.split("\r\x1b[K").skip(1).collect();
        assert_eq!(
            shown,
            [
                "contoso: a token for https://graph.micros",
                "0 of 3 probed; intranet",
                "0 of 3 probed; intranet",
                "1 of 3 probed; hr",
                "2 of 3 probed, 1 problem",
                "",
            ]
        );
        assert!(!text.contains('\n'));
    }

    #[test]
    fn of_one_resource_its_name_is_enough() {
        let sink = Sink::default();
        let line = ProgressLine::new(sink.clone(), 80);
        line.expect(1);
        line.began("intranet");
        let text = String::from_utf8(sink.0.lock().clone()).unwrap();
        assert_eq!(text, "\r\x1b[Kprobing intranet");
    }
}
