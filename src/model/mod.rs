//! The words of the house as types: accounts, resources, outcomes, reasons,
//! reports, time and chance. No I/O happens here and every other room may use
//! it; what it promises is that a value of these types is already valid.

mod account;
mod audience;
mod closed_set;
mod connection;
pub mod duration;
mod gate;
mod method;
pub mod microsoft;
mod observer;
mod outcome;
mod phase;
pub mod powershell;
mod provider;
mod reference;
mod registered;
mod report;
mod right;
mod sample;
mod settings;
mod story;
mod text;
mod time_zone;
mod token_audience;
mod window;

pub use account::{
    Account, AccountName, AppCredential, Cloud, CredentialExpiry, CredentialKind, Delegated,
    SecretSource, SignIn, Tenant, is_guest, is_upn,
};
pub use audience::{Audience, BoundHosts, WrongAudience, place_of};
pub(crate) use closed_set::words;
pub use connection::ConnectionPolicy;
pub use gate::{GateKey, Hold, RateLimit, Service};
pub use method::Method;
pub use observer::{AccountObserver, AccountStatus, IgnoreAccounts, TokenReport};
pub use outcome::{AccountReason, Outcome, Reason, TokenProblem, Verdict};
pub use phase::{Phase, Phases};
pub use provider::Provider;
pub use reference::{Reference, ReferenceTarget};
pub use registered::{RegisteredCertificate, RegisteredCredentials, RegisteredSecret};
pub use report::{
    ConnectionFacts, Exchange, IpVersion, Repeat, Report, RequestId, ServerHints, Step,
};
pub use right::{NeededRights, Right};
pub use sample::Sample;
pub use settings::{
    DEFAULT_BUCKETS, HttpSettings, Limits, MetricsSettings, ProxySetting, ResolveOverride, Storage,
    is_plain_root,
};
pub use story::Story;
pub use text::{bounded_text, meant, one_of, quoted, quoted_url, wrap};
pub use time_zone::{time_zone, time_zone_edition, time_zone_names};
pub use window::{MinuteOfDay, Opening, Weekdays, Window, WindowTimes, WindowType};

/// Shared with the simulated tenant, which sees nothing else of the exporter.
pub use m365mon_base::{Clock, Moment, Random, Secret, SystemRandom, Timestamp, is_guid};
