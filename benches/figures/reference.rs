//! The same bytes as `/metrics`, written by hand: what a program could do that
//! knows nothing but how to copy text and print numbers. It takes its data from
//! a page that was rendered before, with every number as a number, every block
//! of labels stored once, and no copy of the whole.

use std::collections::HashMap;
use std::io::{self, Write};

use anyhow::Context as _;

/// What one line says.
struct Line {
    name: u32,
    /// `le`, with a comma behind it where others follow.
    before: u32,
    /// Of the resource; `u32::MAX` for a line without braces.
    labels: u32,
    /// Further ones, with a comma before them.
    more: u32,
    value: Value,
    exemplar: Option<Exemplar>,
}

enum Value {
    Whole(u64),
    Real(f64),
}

struct Exemplar {
    id: u32,
    value: Micros,
    at: Micros,
}

/// Seconds and microseconds.
struct Micros(u64, u32);

/// Texts that are stored once.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    places: HashMap<String, u32>,
}

impl Texts {
    fn place(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.places.insert(text.to_owned(), place);
        self.list.push(text.to_owned());
        place
    }

    fn get(&self, place: u32) -> &[u8] {
        self.list
            .get(place as usize)
            .map_or(b"", |text| text.as_bytes())
    }
}

/// A page, taken apart.
pub(crate) struct Page {
    texts: Texts,
    /// A header and the number of lines under it.
    families: Vec<(String, usize)>,
    lines: Vec<Line>,
}

/// How much goes out at once, as in the exporter.
const CHUNK: usize = 64 * 1024;

/// Labels that do not belong to the block of a resource.
const MORE: [&str; 3] = [",phase=\"", ",outcome=\"", ",code=\""];

impl Page {
    /// Takes a page in OpenMetrics apart.
    pub(crate) fn parse(page: &str) -> anyhow::Result<Self> {
        let mut made = Self {
            texts: Texts::default(),
            families: Vec::new(),
            lines: Vec::new(),
        };
        for line in page.split_inclusive('\n') {
            if line.starts_with('#') {
                match made.families.last_mut() {
                    Some((header, 0)) => header.push_str(line),
                    _ => made.families.push((line.to_owned(), 0)),
                }
                continue;
            }
            let line = made.line(line.trim_end_matches('\n'))?;
            made.lines.push(line);
            if let Some((_, lines)) = made.families.last_mut() {
                *lines += 1;
            }
        }
        Ok(made)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<Line> {
        let (series, rest) = match line.split_once("} ") {
            Some(parts) => parts,
            None => line.split_once(' ').context("a line without a value")?,
        };
        let (value, exemplar) = match rest.split_once(" # {request_id=\"") {
            Some((value, exemplar)) => (value, Some(exemplar)),
            None => (rest, None),
        };
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, Some(labels)),
            None => (series, None),
        };
        let (before, labels, more) = match labels {
            None => (u32::MAX, u32::MAX, u32::MAX),
            Some(labels) => {
                // The encoder writes it first.
                let of_le = labels.starts_with("le=\"").then(|| labels.find(','));
                let of_le = of_le.map_or(0, |comma| comma.map_or(labels.len(), |c| c + 1));
                let (before, labels) = labels.split_at(of_le);
                let cut = MORE.iter().filter_map(|more| labels.find(more)).min();
                let (labels, more) = labels.split_at(cut.unwrap_or(labels.len()));
                let texts = &mut self.texts;
                (texts.place(before), texts.place(labels), texts.place(more))
            }
        };
        let exemplar = exemplar
            .map(|exemplar| {
                let (id, rest) = exemplar.split_once("\"} ").context("an exemplar")?;
                let (value, at) = rest.split_once(' ').context("an exemplar's time")?;
                anyhow::Ok(Exemplar {
                    id: self.texts.place(id),
                    value: Micros::parse(value)?,
                    at: Micros::parse(at)?,
                })
            })
            .transpose()?;
        Ok(Line {
            name: self.texts.place(name),
            before,
            labels,
            more,
            value: match value.parse() {
                Ok(whole) => Value::Whole(whole),
                Err(_) => Value::Real(value.parse().context("a number")?),
            },
            exemplar,
        })
    }

    /// Writes the page in chunks.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut buffer: Vec<u8> = Vec::with_capacity(CHUNK + CHUNK / 8);
        let mut lines = self.lines.iter();
        for (header, count) in &self.families {
            buffer.extend_from_slice(header.as_bytes());
            for line in lines.by_ref().take(*count) {
                self.write_line(line, &mut buffer);
                if buffer.len() >= CHUNK {
                    out.write_all(&buffer)?;
                    buffer.clear();
                }
            }
        }
        out.write_all(&buffer)
    }

    fn write_line(&self, line: &Line, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.texts.get(line.name));
        if line.labels != u32::MAX {
            buffer.push(b'{');
            buffer.extend_from_slice(self.texts.get(line.before));
            buffer.extend_from_slice(self.texts.get(line.labels));
            buffer.extend_from_slice(self.texts.get(line.more));
            buffer.push(b'}');
        }
        buffer.push(b' ');
        match line.value {
            Value::Whole(value) => {
                buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Value::Real(value) => {
                buffer.extend_from_slice(dtoa::Buffer::new().format(value).as_bytes());
            }
        }
        if let Some(exemplar) = &line.exemplar {
            buffer.extend_from_slice(b" # {request_id=\"");
            buffer.extend_from_slice(self.texts.get(exemplar.id));
            buffer.extend_from_slice(b"\"} ");
            exemplar.value.write(buffer);
            buffer.push(b' ');
            exemplar.at.write(buffer);
        }
        buffer.push(b'\n');
    }
}

impl Micros {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (seconds, rest) = text.split_once('.').context("a number")?;
        Ok(Self(seconds.parse()?, format!("{rest:0<6}").parse()?))
    }

    fn write(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(itoa::Buffer::new().format(self.0).as_bytes());
        let mut digits = [b'.', 0, 0, 0, 0, 0, 0];
        let mut rest = self.1;
        for digit in digits.iter_mut().skip(1).rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0');
        let kept = (digits.len() - zeros.count()).max(2);
        buffer.extend(digits.iter().take(kept));
    }
}
