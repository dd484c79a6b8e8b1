//! The words of the house as types: accounts, resources, outcomes, reasons,
//! reports, time and chance. No I/O happens here and every other room may use
//! it; what it promises is that a value of these types is already valid.

mod account;
mod gate;
mod observer;
mod outcome;
mod phase;
pub mod powershell;
mod report;
mod resource;
mod right;
mod settings;
mod story;

pub use account::{
    Account, AccountName, AppCredential, Audience, Cloud, CredentialKind, Deadline, Delegated,
    SecretSource, SignIn, Tenant,
};
pub use gate::{GateKey, Hold, RateLimit, Service};
pub use observer::{AccountObserver, AccountStatus, IgnoreAccounts, TokenReport};
pub use outcome::{AccountReason, Outcome, Reason, TokenProblem, Verdict};
pub use phase::{Phase, Phases};
pub use report::{
    ConnectionFacts, IpVersion, Repeat, Report, RequestId, ServerHints, bounded_text,
};
pub use resource::{ConnectionPolicy, Kind, Labels, Mode, Resource, ResourceName, SiteApi};
pub use right::{NeededRights, Right};
pub use settings::{
    Configuration, DEFAULT_BUCKETS, HttpSettings, Limits, MetricsSettings, ProxySetting,
    ResolveOverride, Storage, is_plain_root,
};
pub use story::Story;

/// Shared with the simulated tenant, which sees nothing else of the exporter.
pub use m365mon_base::{Clock, Moment, Random, Secret, SystemRandom, Timestamp, is_guid};
