//! A little of everything, with a program that was built for debugging on a
//! machine that does other things as well: whether the benchmark itself still
//! works, and that what should be linear is.

use std::time::Duration;

use anyhow::ensure;

use crate::exposition;
use crate::probes::{Plan, costs, median};
use crate::say;
use crate::soak;

/// Less than a minute.
pub(crate) async fn run() -> anyhow::Result<()> {
    expositions()?;
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        rounds: 1,
        rate: 20.0,
        interval: Duration::from_secs(1),
        strict: false,
        warm: Duration::from_secs(2),
        window: Duration::from_secs(3),
    };
    let costs = costs(folder.path(), plan).await?;
    let all = [
        &costs.new,
        &costs.reused,
        &costs.blackbox,
        &costs.bare,
        &costs.bare_new,
    ];
    ensure!(
        all.iter().all(|cost| median(cost) > 0.0),
        "somebody probed without using any time"
    );
    let folder = tempfile::tempdir()?;
    let plan = soak::Plan {
        time: Duration::from_secs(10),
        resources: 40,
        interval: Duration::from_secs(4),
        step: Duration::from_secs(1),
        strict: false,
    };
    soak::run(folder.path(), plan, &folder.path().join("soak.csv")).await
}

/// The reference writes the same bytes; cost is linear in the number of series.
fn expositions() -> anyhow::Result<()> {
    let gzip = exposition::cost(300, true, 1)?;
    let [few, more, many] =
        [100, 200, 1_200].map(|resources| exposition::cost(resources, false, 2));
    let (few, more, many) = (few?, more?, many?);
    let each = |one: &exposition::Cost, other: &exposition::Cost, resources: f64| {
        (other.ours.as_secs_f64() - one.ours.as_secs_f64()) / resources
    };
    let ratio = each(&more, &many, 1_000.0) / each(&few, &more, 100.0);
    say(&format!(
        "a page of {} lines: {:.1} times a hand-written writer, with gzip {:.1}; \
         a resource more among many costs {ratio:.2} times what it costs among few",
        many.lines,
        many.ratio(),
        gzip.ratio()
    ))?;
    ensure!((0.3..3.0).contains(&ratio), "cost is not linear");
    Ok(())
}
