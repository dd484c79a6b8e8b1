//! How a probe reaches its service.

/// Which connection a probe uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionPolicy {
    /// Full handshake, no session resumption: what a new user feels.
    New,
    /// Pooled, idle at most 90 s, dropped after a 503.
    Reuse,
}

impl ConnectionPolicy {
    /// The word of the configuration, and the label value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reuse => "reuse",
        }
    }
}
