//! What an examination is made of.

use serde::Serialize;

use crate::kinds::Resource;
use crate::model::Account;

/// What can be said of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It was seen to be so.
    Proved,
    /// Nobody can tell from here.
    CannotBeSeen,
    /// It was seen not to be so.
    Refuted,
}

impl Finding {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::CannotBeSeen => "cannot be seen from here",
            Self::Refuted => "refuted",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoctorStep {
    /// Which; a closed set of words (docs/doctor.md).
    pub step: &'static str,
    /// What of: a host, an API; may be empty.
    pub about: String,
    /// What was found.
    pub finding: Finding,
    /// One sentence.
    pub detail: String,
    /// Commands or clicks that mend it.
    pub mend: Vec<String>,
}

impl DoctorStep {
    fn new(step: &'static str, about: &str, finding: Finding, detail: impl Into<String>) -> Self {
        Self {
            step,
            about: about.to_owned(),
            finding,
            detail: detail.into(),
            mend: Vec::new(),
        }
    }

    pub(super) fn proved(step: &'static str, about: &str, detail: impl Into<String>) -> Self {
        Self::new(step, about, Finding::Proved, detail)
    }

    pub(super) fn refuted(step: &'static str, about: &str, detail: impl Into<String>) -> Self {
        Self::new(step, about, Finding::Refuted, detail)
    }

    pub(super) fn unseen(step: &'static str, about: &str, detail: impl Into<String>) -> Self {
        Self::new(step, about, Finding::CannotBeSeen, detail)
    }

    pub(super) fn mend<T: Into<String>>(mut self, how: impl IntoIterator<Item = T>) -> Self {
        self.mend.extend(how.into_iter().map(Into::into));
        self
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountExam {
    /// Its name.
    pub account: String,
    /// Where.
    pub tenant: Option<String>,
    /// Which cloud.
    pub cloud: &'static str,
    /// How it signs in.
    pub credential: &'static str,
    /// What concerns the account as a whole.
    pub steps: Vec<DoctorStep>,
    /// Its resources, in the order of the configuration.
    pub resources: Vec<ResourceExam>,
}

impl AccountExam {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            account: account.name.to_string(),
            tenant: account.tenant.as_ref().map(ToString::to_string),
            cloud: account.cloud.as_str(),
            credential: account.credential_label(),
            steps: Vec::new(),
            resources: Vec::new(),
        }
    }

    /// The worst of all its steps; proved if there is none.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let findings = self.all().map(|step| step.finding);
        findings.max().unwrap_or(Finding::Proved)
    }

    /// All steps, those of the resources as well.
    pub fn all(&self) -> impl Iterator<Item = &DoctorStep> {
        let of_resources = self.resources.iter().flat_map(|resource| &resource.steps);
        self.steps.iter().chain(of_resources)
    }
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceExam {
    /// Its name.
    pub resource: String,
    /// Its kind.
    pub kind: &'static str,
    /// What was found.
    pub steps: Vec<DoctorStep>,
}

impl ResourceExam {
    /// The worst of its steps; proved if there is none.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let findings = self.steps.iter().map(|step| step.finding);
        findings.max().unwrap_or(Finding::Proved)
    }

    pub(super) fn of(resource: &Resource, steps: Vec<DoctorStep>) -> Self {
        Self {
            resource: resource.name.to_string(),
            kind: resource.kind.as_str(),
            steps,
        }
    }
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// The worst of all steps; proved if there is none.
    pub finding: Finding,
    /// In the order of the configuration.
    pub accounts: Vec<AccountExam>,
}

impl Examination {
    /// Puts accounts together.
    #[must_use]
    pub fn of(accounts: Vec<AccountExam>) -> Self {
        let findings = accounts.iter().map(AccountExam::finding);
        Self {
            finding: findings.max().unwrap_or(Finding::Proved),
            accounts,
        }
    }
}
