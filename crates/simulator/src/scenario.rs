//! A scenario: what happens to the tenant when, as a YAML file.
//!
//! ```yaml
//! repeat: 10m            # begins again; once without
//! steps:
//!   - at: 60s
//!     say: the intranet goes down
//!     do: {fault: {scope: {resource: "https://contoso.sharepoint.com/sites/intranet"}, kind: {unavailable: {}}, for: 90s}}
//!   - at: 5m
//!     do: {secret: {app: 11111111-aaaa-4000-8000-000000000001, change: expire}}
//! ```
//!
//! Times, how long faults last and mail takes, are divided by the speed that it is run
//! at; latencies and `Retry-After` are not.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_yaml::Spanned;
use tokio::time::Instant;

use super::Tenant;
use super::command::Command;
use super::human_duration::HumanDuration;

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Begins again after this time.
    pub repeat: Option<HumanDuration>,
    /// In any order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Counted from the beginning.
    pub at: HumanDuration,
    /// For the log.
    #[serde(default)]
    pub say: Option<String>,
    /// What.
    #[serde(rename = "do")]
    pub command: Command,
}

/// The file, its steps still to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    #[serde(default)]
    repeat: Option<HumanDuration>,
    steps: Vec<Spanned<serde_json::Value>>,
}

/// The file is none, with the line.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(String);

impl Scenario {
    /// Reads a scenario.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let outline: Outline =
            serde_yaml::from_str(text).map_err(|error| ScenarioError(error.to_string()))?;
        let steps = outline.steps.iter().map(Step::read);
        let mut scenario = Self {
            repeat: outline.repeat,
            steps: steps.collect::<Result<_, _>>()?,
        };
        scenario.steps.sort_by_key(|step| step.at);
        let last = scenario
            .steps
            .last()
            .map(|step| step.at)
            .unwrap_or_default();
        if scenario.repeat.is_some_and(|r| r < last || r.0.is_zero()) {
            return Err(ScenarioError(
                "repeat: must not be shorter than the last step's at".into(),
            ));
        }
        Ok(scenario)
    }

    /// How long until the last step.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |step| step.at.0)
    }

    /// Runs it `speed` times as fast; ends with the last step unless it repeats.
    pub async fn run(&self, tenant: Arc<Tenant>, speed: f64) {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed
        } else {
            1.0
        };
        let mut began = Instant::now();
        loop {
            for step in &self.steps {
                tokio::time::sleep_until(began + step.at.0.div_f64(speed)).await;
                step.take(&tenant, speed);
            }
            let Some(repeat) = self.repeat else {
                return;
            };
            began += repeat.0.div_f64(speed);
            tokio::time::sleep_until(began).await;
        }
    }
}

impl Step {
    /// Reads what the control endpoint reads, as it does: each way to read all
    /// actions would be a quarter of a megabyte of program.
    fn read(step: &Spanned<serde_json::Value>) -> Result<Self, ScenarioError> {
        let json = serde_json::to_vec(&step.value);
        json.and_then(|json| serde_json::from_slice(&json))
            .map_err(|error| {
                // Where it stands in the JSON says nothing about the file.
                let said = error.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                let line = step.referenced.line();
                ScenarioError(format!("the step in line {line}: {said}"))
            })
    }

    fn take(&self, tenant: &Arc<Tenant>, speed: f64) {
        let mut command = self.command.clone();
        let lasts = match &mut command {
            Command::Fault(fault) => &mut fault.lasts,
            Command::Mail(mail) => &mut mail.delay,
            _ => &mut None,
        };
        if let Some(lasts) = lasts {
            lasts.0 = lasts.0.div_f64(speed);
        }
        match (command.perform(tenant), &self.say) {
            (Ok(_), Some(say)) => tracing::info!("{say}"),
            (Ok(_), None) => tracing::debug!("a step of the scenario"),
            (Err(error), say) => {
                let say = say.as_deref().unwrap_or("a step of the scenario");
                tracing::warn!(%error, "could not do: {say}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::AdjustableClock;
    use crate::directory::{Directory, Size};
    use m365mon_base::Clock;

    #[test]
    fn mistakes_are_told() {
        for bad in [
            "steps: [{at: 1x, do: {clock: {reset: true}}}]",
            "steps: [{at: 1s, do: {explode: {}}}]",
            "steps: [{at: 1s, do: {fault: {kind: hang, scop: {}}}}]",
            "steps: []\nother: 1",
            "repeat: 1s\nsteps: [{at: 2s, do: {clock: {reset: true}}}]",
        ] {
            assert!(Scenario::parse(bad).is_err(), "{bad}");
        }
        let error = Scenario::parse("steps:\n- {at: 1s, do: {explode: {}}}\n").unwrap_err();
        let told = error.to_string();
        assert!(
            told.starts_with("the step in line 2: unknown variant"),
            "{told}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn runs_in_scaled_time() {
        let scenario = Scenario::parse(
            "steps:\n\
             - {at: 100s, do: {fault: {name: a, kind: hang, for: 50s}}}\n\
             - {at: 10s, do: {fault: {name: b, kind: {latency: {from: 20ms}}}}}\n",
        )
        .unwrap();
        let clock = AdjustableClock::new(Clock::system());
        let directory = Directory::contoso(Size::default(), 1, clock.now());
        let tenant = Tenant::new(clock, 1, directory).unwrap();
        let running = tokio::spawn({
            let tenant = Arc::clone(&tenant);
            async move { scenario.run(tenant, 10.0).await }
        });
        let names = || -> Vec<_> {
            let faults = tenant.faults.list();
            faults.into_iter().filter_map(|f| f.fault.name).collect()
        };
        tokio::time::sleep(Duration::from_millis(999)).await;
        assert!(names().is_empty());
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert_eq!(names(), ["b"]);
        running.await.unwrap();
        assert_eq!(names(), ["b", "a"]);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(names(), ["b"]);
    }
}
