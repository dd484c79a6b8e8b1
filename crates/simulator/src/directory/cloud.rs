//! Microsoft's clouds, with the roots that each has (Microsoft's page
//! "National cloud deployments").

/// One of Microsoft's clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// Worldwide, and GCC.
    Global,
    /// US Government L4.
    GccHigh,
    /// US Government L5.
    Dod,
    /// Operated by 21Vianet.
    China,
}

impl Cloud {
    /// The word for it in answers of the control endpoint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::GccHigh => "gcc_high",
            Self::Dod => "dod",
            Self::China => "china",
        }
    }

    /// The root of Entra's endpoints, without a trailing slash.
    #[must_use]
    pub const fn login_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::GccHigh | Self::Dod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The root of Graph, without a trailing slash; also Graph's audience.
    #[must_use]
    pub const fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::GccHigh => "https://graph.microsoft.us",
            Self::Dod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}
