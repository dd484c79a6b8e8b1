//! How a Prometheus is told who asks. Called by `m365mon report`; promises that
//! no credential leaves for anything but https or this machine.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::SourceError;
use crate::model::Secret;

/// Who asks.
#[derive(Debug, Clone, Default)]
pub enum PrometheusAccess {
    /// Anybody.
    #[default]
    Open,
    /// Basic authentication, RFC 7617.
    Basic {
        /// Without a colon.
        username: String,
        /// May hold anything but control characters.
        password: Secret,
    },
    /// A bearer token, RFC 6750.
    Bearer(Secret),
}

impl PrometheusAccess {
    /// The header `Authorization`; none for anybody.
    pub(super) fn header(&self, base: &Url) -> Result<Option<HeaderValue>, SourceError> {
        if !base.username().is_empty() || base.password().is_some() {
            return Err(SourceError::PasswordInUrl);
        }
        let text = match self {
            Self::Open => return Ok(None),
            Self::Basic { username, password } => {
                if username.contains(':') {
                    return Err(SourceError::Credential("a username holds no colon"));
                }
                let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))
            }
            Self::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.expose())),
        };
        if base.scheme() != "https" && !is_here(base) {
            return Err(SourceError::InTheClear);
        }
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            SourceError::Credential("it holds a line break or another control character")
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Whether a URL is of this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(access: &PrometheusAccess, url: &str) -> Result<Option<String>, String> {
        let value = access
            .header(&url.parse().unwrap())
            .map_err(|error| error.to_string())?;
        Ok(value.map(|value| {
            assert!(value.is_sensitive());
            value.to_str().unwrap().to_owned()
        }))
    }

    fn basic(username: &str, password: &str) -> PrometheusAccess {
        PrometheusAccess::Basic {
            username: username.to_owned(),
            password: Secret::new(password.to_owned()),
        }
    }

    #[test]
    fn as_the_standards_write_it() {
        // The example of RFC 7617, section 2.
        let aladdin = basic("Aladdin", "open sesame");
        assert_eq!(
            header(&aladdin, "https://p.example/").unwrap().unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        let bearer = PrometheusAccess::Bearer(Secret::new("abc.def".to_owned()));
        assert_eq!(
            header(&bearer, "https://p.example/").unwrap().unwrap(),
            "Bearer abc.def"
        );
        assert_eq!(
            header(&PrometheusAccess::Open, "http://p.example/").unwrap(),
            None
        );
    }

    #[test]
    fn never_in_the_clear_beyond_this_machine() {
        for here in [
            "http://127.0.0.1:9090/",
            "http://[::1]:9090/",
            "http://localhost:9090/x",
        ] {
            assert!(header(&basic("a", "b"), here).unwrap().is_some(), "{here}");
        }
        for far in [
            "http://p.example/",
            "http://10.0.0.1:9090/",
            "http://localhost.example/",
        ] {
            assert!(
                header(&basic("a", "b"), far).unwrap_err().contains("https"),
                "{far}"
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_and_not_shown() {
        for access in [
            basic("a:b", "canary"),
            PrometheusAccess::Bearer(Secret::new("canary\nx".to_owned())),
        ] {
            let error = header(&access, "https://p.example/").unwrap_err();
            assert!(!error.contains("canary"), "{error}");
        }
        let error = header(&PrometheusAccess::Open, "https://a:canary@p.example/").unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }
}
