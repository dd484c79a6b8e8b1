//! The figures of `docs/performance.md`, for anyone to repeat: `scripts/bench`.
//!
//! Everything runs on this machine: the simulated cloud, the exporter,
//! blackbox_exporter and the reference programs, each in a process of its own.
//! What is compared is CPU time and memory as the kernel counts them, in one
//! run and in turn.

mod bare;
mod blackbox;
mod child;
mod cloud;
mod exporter;
mod exposition;
mod fleet;
mod hang;
mod instructions;
mod probes;
mod reference;
mod smoke;
mod soak;
mod steady;
mod table;
mod usage;
mod web;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use probes::Plan;

const USAGE: &str =
    "usage: figures [all | probes [RATE [ROUNDS]] | exposition | fleet | hang | steady | soak MINUTES LOG [SECONDS [RESOURCES]] | smoke]
  all         the whole table, about half an hour
  probes      CPU per probe against blackbox_exporter and bare clients, at 167
              probes a second, or at RATE, in three rounds or ROUNDS
  exposition  /metrics of 10,000 resources against a hand-written writer
  fleet       100, 1,000 and 10,000 resources: memory, start, punctuality
  hang        one tenant of ten hangs, and what the others notice
  steady      10,000 resources over a reload and a restart
  soak        2,000 RESOURCES, half of them with connections that are kept, and
              trouble without end; samples go to LOG; each is probed every 30
              SECONDS unless told otherwise
  smoke       a little of everything, to see that the benchmark itself works";

fn main() -> ExitCode {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        // What is counted runs alone in its process.
        ["count", what, file, rounds] => rounds
            .parse()
            .map_err(Into::into)
            .and_then(|rounds| count(what, file, rounds)),
        // The bare client is this program once more, on one thread.
        ["bare", address, authority, file, rate, connection] => {
            bare::run(address, authority, file, rate, *connection == "reused")
        }
        words => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(run(words))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(std::io::stderr(), "figures: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A line for whoever reads.
fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Does one thing so many times.
fn count(what: &str, file: &str, rounds: usize) -> anyhow::Result<()> {
    match what {
        "probe" => instructions::probes(file, rounds),
        "configuration" => instructions::configuration(file, rounds),
        "scrape" => exposition::render(1_000, false, rounds),
        _ => anyhow::bail!(USAGE),
    }
}

async fn run(words: &[&str]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let plan = Plan {
        rounds: 3,
        rate: 10_000.0 / 60.0,
        interval: Duration::from_secs(6),
        strict: true,
        warm: Duration::from_secs(8),
        window: Duration::from_secs(30),
    };
    let window = Duration::from_secs(120);
    match words {
        [] | ["all"] => {
            table::expositions(9)?;
            table::probes(folder, plan).await?;
            let folder = tempfile::tempdir()?;
            table::probes(
                folder.path(),
                Plan {
                    rate: 100.0,
                    ..plan
                },
            )
            .await?;
            let folder = tempfile::tempdir()?;
            table::fleets(folder.path(), window).await?;
            let folder = tempfile::tempdir()?;
            hang::run(folder.path()).await?;
            let folder = tempfile::tempdir()?;
            steady::run(folder.path(), 10_000).await
        }
        ["hang"] => hang::run(folder).await,
        ["steady"] => steady::run(folder, 10_000).await,
        ["smoke"] => smoke::run().await,
        ["probes", rest @ ..] => {
            let mut plan = plan;
            if let Some(rate) = rest.first() {
                plan.rate = rate.parse()?;
            }
            if let Some(rounds) = rest.get(1) {
                plan.rounds = rounds.parse()?;
            }
            table::probes(folder, plan).await.map(drop)
        }
        ["exposition"] => table::expositions(9),
        ["fleet"] => table::fleets(folder, window).await,
        ["soak", minutes, log, rest @ ..] => {
            let seconds = rest.first().map_or(Ok(30), |text| text.parse())?;
            let resources = rest.get(1).map_or(Ok(2_000), |text| text.parse())?;
            let plan = soak::Plan {
                time: Duration::from_secs(60 * minutes.parse::<u64>()?),
                resources,
                interval: Duration::from_secs(seconds),
                step: Duration::from_secs(30),
                strict: true,
            };
            soak::run(folder, plan, std::path::Path::new(log)).await
        }
        // For `scripts/instructions`.
        ["prepare", folder] => instructions::prepare(std::path::Path::new(folder)).await,
        _ => anyhow::bail!(USAGE),
    }
}
