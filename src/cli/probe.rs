//! `m365mon probe`: resources once, told to people and to other monitoring.

mod ask;
mod nagios;
mod render;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use super::config_file::{ConfigFile, find_resource};
use super::logging::{self, LogFormat, LogLevel};
use super::terminal::{self, Screen};
use super::{EXIT_FAILED, EXIT_INCONCLUSIVE, EXIT_USAGE, output, runtime};
use crate::kinds::{Configuration, Resource};
use crate::model::duration;
use crate::model::{Outcome, Report, Story};

/// Probe resources once and tell what happened
///
/// Asks for a token and for each resource as the exporter would, many at once;
/// on a terminal it says meanwhile how far it is. Exits with 0 for success, 1
/// for failure, 2 if it could not be found out, 3 for a wrong usage or
/// configuration; of several resources the worst decides. With --format nagios
/// the codes are those of monitoring plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3
/// UNKNOWN. What writes (a mail, a file) is named before it does, and --all
/// leaves it out unless it is named.
#[derive(Debug, clap::Args)]
pub(crate) struct Probe {
    /// The resources, by their names in the configuration
    #[arg(value_name = "RESOURCE", required_unless_present = "all")]
    resources: Vec<String>,

    /// Every resource of the configuration; those that write only if they are named too
    #[arg(long)]
    all: bool,

    /// How to tell it
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: ProbeFormat,

    /// Write it to a file, which is replaced as a whole, instead of stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// A success slower than this is a WARNING (--format nagios)
    #[arg(long, value_name = "DURATION", value_parser = slow)]
    slow: Option<Duration>,

    #[command(flatten)]
    file: ConfigFile,
}

/// How the outcome of probes is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProbeFormat {
    /// The story of each named resource, step by step; with --all a line for each
    Text,
    /// One document; its schema is docs/schemas/probe.json
    Json,
    /// The gauges of /metrics, for a text-file collector
    Openmetrics,
    /// What Nagios, Icinga and their relatives read of a plugin
    Nagios,
}

/// A resource, what its probe left and the story of it.
#[derive(Debug)]
struct Probed {
    resource: Arc<Resource>,
    report: Report,
    story: Story,
}

impl Probed {
    fn outcome(&self) -> Outcome {
        self.report.verdict.outcome()
    }
}

/// Why nothing was probed, in words for people.
#[derive(Debug)]
struct Refused(String);

impl Probe {
    pub(crate) fn run(self) -> ExitCode {
        // What happens is told below, once.
        logging::start(LogLevel::Error, LogFormat::Logfmt);
        let begun = self.begin();
        match begun {
            Ok((configuration, resources)) => {
                runtime::block_on(self.tell(configuration, resources))
            }
            Err(refused) => self.refuse(&refused),
        }
    }

    /// What to probe.
    fn begin(&self) -> Result<(Configuration, Vec<Arc<Resource>>), Refused> {
        if self.slow.is_some() && self.format != ProbeFormat::Nagios {
            return Err(Refused(
                "--slow is for --format nagios, the only one that knows a warning".to_owned(),
            ));
        }
        let loaded = self
            .file
            .load()
            .map_err(|errors| Refused(errors.to_string()))?;
        let configuration = loaded.configuration;
        let mut resources: Vec<Arc<Resource>> = Vec::new();
        if self.all {
            // What writes is asked only where it is named.
            let all = configuration.resources.iter();
            resources.extend(all.filter(|one| !one.kind.info().writes).cloned());
        }
        for name in &self.resources {
            let resource = find_resource(&configuration.resources, name).map_err(Refused)?;
            if !resources.iter().any(|one| one.name == resource.name) {
                resources.push(resource.clone());
            }
        }
        if resources.is_empty() {
            let why = if configuration.resources.is_empty() {
                "the configuration has no resource to probe"
            } else {
                "every resource of the configuration writes something: name those that shall be probed"
            };
            return Err(Refused(why.to_owned()));
        }
        output::announce_writes(&resources);
        Ok((configuration, resources))
    }

    async fn tell(&self, configuration: Configuration, resources: Vec<Arc<Resource>>) -> ExitCode {
        let watcher = terminal::watcher();
        let asked = match ask::all(&configuration, resources, &*watcher).await {
            Ok(asked) => asked,
            Err(error) => return self.refuse(&Refused(error.to_string())),
        };
        drop(watcher);
        let told = match self.format {
            ProbeFormat::Text => Ok(self.text(&asked.probes)),
            ProbeFormat::Json => render::json(&asked.probes),
            ProbeFormat::Openmetrics => render::openmetrics(&asked),
            ProbeFormat::Nagios => Ok(nagios::told(&asked.probes, self.slow)),
        };
        if let Err(error) = told.and_then(|told| self.write(&told)) {
            let place = self.output.as_deref().unwrap_or(Path::new("stdout"));
            return self.refuse(&Refused(format!(
                "{}: cannot be written: {error}",
                place.display()
            )));
        }
        if self.format == ProbeFormat::Nagios {
            return ExitCode::from(nagios::worst(&asked.probes, self.slow).code());
        }
        match render::worst(&asked.probes) {
            Outcome::Success => ExitCode::SUCCESS,
            Outcome::Failure => ExitCode::from(EXIT_FAILED),
            Outcome::Inconclusive => ExitCode::from(EXIT_INCONCLUSIVE),
        }
    }

    fn text(&self, probes: &[Probed]) -> String {
        // A file is read as a pipe is: without a width.
        let width = match self.output {
            None => Screen::of_stdout().width,
            Some(_) => None,
        };
        if self.all {
            render::lines(probes, width)
        } else {
            render::stories(probes, width)
        }
    }

    /// A plugin's caller reads stdout only, and 3 is both wrong usage and UNKNOWN.
    fn refuse(&self, refused: &Refused) -> ExitCode {
        if self.format == ProbeFormat::Nagios {
            output::say(&nagios::unknown(&refused.0));
        } else {
            output::complain(&refused.0);
        }
        ExitCode::from(EXIT_USAGE)
    }

    fn write(&self, told: &str) -> io::Result<()> {
        let Some(path) = self
            .output
            .as_deref()
            .filter(|path| *path != Path::new("-"))
        else {
            output::say(told);
            return Ok(());
        };
        replace(path, told)
    }
}

/// Puts a file in the place of another as a whole: who reads it meanwhile has
/// the old one or the new one. Readable by everybody, as collectors run as
/// users of their own; there is no secret in it.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Collectors take files by their ending, and never one that is being written.
    builder.prefix(".m365mon-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(content.as_bytes())?;
    if !content.ends_with('\n') {
        file.write_all(b"\n")?;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // Whatever the umask is.
        file.as_file()
            .set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

fn slow(text: &str) -> Result<Duration, String> {
    match duration::parse(text) {
        Some(limit) if !limit.is_zero() => Ok(limit),
        _ => Err("a duration such as 4s or 800ms is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests;
