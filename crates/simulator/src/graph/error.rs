//! Graph's error answers (PROTOCOL section 6.3).

/// An error as Graph writes it.
#[derive(Debug, Clone)]
pub(super) struct GraphError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// A more specific code inside `innerError`.
    pub(super) inner: Option<&'static str>,
    /// `claims` of a challenge: the `nbf` to ask for.
    pub(super) challenge: Option<i64>,
    /// Seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) budget: Option<crate::throttle::Budget>,
}

impl GraphError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            inner: None,
            challenge: None,
            retry_after: None,
            budget: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn invalid_token(message: impl Into<String>) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(super) fn no_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn locked() -> Self {
        Self::new(423, "resourceLocked", "The resource is locked.")
    }

    /// SharePoint's refusal.
    pub(super) fn access_denied(message: &'static str) -> Self {
        Self::new(403, "accessDenied", message)
    }

    /// The directory's refusal.
    pub(super) fn insufficient() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    pub(super) const fn inside(mut self, code: &'static str) -> Self {
        self.inner = Some(code);
        self
    }

    pub(super) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}
