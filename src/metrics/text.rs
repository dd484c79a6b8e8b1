//! OpenMetrics 1.0 text into Prometheus text 0.0.4, whole lines at a time.
//!
//! The differences that matter: 0.0.4 names a counter's family with its
//! `_total`, knows no UNIT and EOF lines and no exemplars, and spells infinity
//! `+Inf`. Everything else goes through untouched, in as few writes as possible.

use std::io::{self, Write};

/// Rewrites a stream. Keeps a HELP line until the TYPE line after it tells
/// whether the family is a counter.
#[derive(Debug, Default)]
pub(super) struct Rewriter {
    help: String,
}

impl Rewriter {
    /// Rewrites whole lines; the last one ends with a newline.
    pub(super) fn rewrite(&mut self, lines: &str, out: &mut impl Write) -> io::Result<()> {
        // Untouched lines that were not written yet.
        let mut run = 0..0;
        for line in lines.split_inclusive('\n') {
            let next = run.end + line.len();
            let change = self.change(line);
            if change == Change::None {
                run.end = next;
                continue;
            }
            out.write_all(lines.get(run).unwrap_or_default().as_bytes())?;
            run = next..next;
            match change {
                Change::None | Change::Drop => {}
                Change::Descriptor { suffix } => self.write_descriptor(line, suffix, out)?,
                Change::Sample { kept, value } => {
                    let kept = line.get(..kept).unwrap_or_default();
                    writeln!(out, "{kept}{value}")?;
                }
            }
        }
        out.write_all(lines.get(run).unwrap_or_default().as_bytes())
    }

    fn change(&mut self, line: &str) -> Change {
        let Some(comment) = line.strip_prefix("# ") else {
            return sample(line);
        };
        if comment.starts_with("HELP ") {
            self.help.clear();
            self.help.push_str(line);
            Change::Drop
        } else if let Some(family) = comment.strip_prefix("TYPE ") {
            let suffix = if family.ends_with(" counter\n") {
                "_total"
            } else {
                ""
            };
            Change::Descriptor { suffix }
        } else {
            Change::Drop
        }
    }

    fn write_descriptor(
        &mut self,
        line: &str,
        suffix: &str,
        out: &mut impl Write,
    ) -> io::Result<()> {
        for line in [std::mem::take(&mut self.help).as_str(), line] {
            let mut parts = line.splitn(4, ' ');
            if let (Some(hash), Some(word), Some(name), Some(rest)) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            {
                write!(out, "{hash} {word} {name}{suffix} {rest}")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Change {
    None,
    Drop,
    /// The names of the family get this suffix.
    Descriptor {
        suffix: &'static str,
    },
    /// Only so many bytes of the line are kept, then comes a value.
    Sample {
        kept: usize,
        value: &'static str,
    },
}

/// What must change in a sample line: exemplars go, infinity is respelled.
fn sample(line: &str) -> Change {
    let mut kept = line.len().saturating_sub(1);
    // A number sign is rare; whether it begins an exemplar or stands in a label
    // value needs a closer look.
    if line.contains('#') {
        let labels = end_of_labels(line);
        if let Some(place) = line.get(labels..).and_then(|rest| rest.find(" # ")) {
            kept = labels + place;
        }
    }
    let text = line.get(..kept).unwrap_or_default();
    let (cut, value) = if text.ends_with(" inf") {
        (3, "+Inf")
    } else if text.ends_with(" -inf") {
        (4, "-Inf")
    } else {
        (0, "")
    };
    if cut == 0 && kept + 1 == line.len() {
        return Change::None;
    }
    Change::Sample {
        kept: kept - cut,
        value,
    }
}

/// Where the labels of a sample line end: past the closing brace, or 0.
fn end_of_labels(line: &str) -> usize {
    let bytes = line.as_bytes();
    let Some(start) = bytes.iter().position(|b| matches!(b, b'{' | b' ')) else {
        return 0;
    };
    if bytes.get(start) != Some(&b'{') {
        return 0;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (place, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return place + 1,
            _ => {}
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(chunks: &[&str]) -> String {
        let (mut rewriter, mut out) = (Rewriter::default(), Vec::new());
        for chunk in chunks {
            rewriter.rewrite(chunk, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn counters_get_their_suffix_and_the_rest_goes() {
        let text = rewritten(&[
            "# HELP a_seconds A thing.\n",
            "# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1\n",
            "# HELP b B.\n# TYPE b gauge\nb inf\nb{c=\"d\"} -inf\nb NaN\nb 2\n# EOF\n",
        ]);
        assert_eq!(
            text,
            "# HELP a_seconds_total A thing.\n# TYPE a_seconds_total counter\na_seconds_total 1\n\
             # HELP b B.\n# TYPE b gauge\nb +Inf\nb{c=\"d\"} -Inf\nb NaN\nb 2\n"
        );
    }

    #[test]
    fn exemplars_go_and_label_values_stay() {
        let odd = r#"a_total{b=" # {x=\"} 1",c="\\"} 5"#;
        for exemplar in ["", r#" # {request_id="} # {"} 1.0 1764028800.0"#] {
            assert_eq!(
                rewritten(&[&format!("{odd}{exemplar}\n")]),
                format!("{odd}\n")
            );
        }
        assert_eq!(rewritten(&["a_total 1 # {} 1.0\n"]), "a_total 1\n");
    }
}
