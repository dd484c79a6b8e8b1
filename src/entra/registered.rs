//! The end of the application's own credential, by what the directory says of
//! it: which of the registered entries is ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;

use super::certificate::Certificate;
use super::tokens::Tokens;
use crate::model::{
    Account, AppCredential, CredentialExpiry, RegisteredCertificate, RegisteredCredentials,
    RegisteredSecret, Secret, SignIn, Timestamp,
};

/// A date that somebody read in a portal may be a day off by its timezone, and
/// the hour is not in it.
const SAME: SignedDuration = SignedDuration::from_hours(36);

/// The end of `secret` among those registered. Of the ones valid `now`: those
/// whose hint fits, of several the earliest; else the only one there is, if it
/// has no hint, for ours just worked; else nobody knows.
pub(super) fn end_of_secret(
    registered: &RegisteredCredentials,
    secret: &Secret,
    now: Timestamp,
) -> Option<Timestamp> {
    let valid = |one: &&RegisteredSecret| {
        one.starts.is_none_or(|starts| starts <= now) && one.ends.is_none_or(|ends| now < ends)
    };
    let fits = |one: &&RegisteredSecret| {
        let hint = one.hint.as_ref();
        hint.is_some_and(|hint| secret.begins_with(hint))
    };
    let mut live = registered.secrets.iter().filter(valid);
    let mut fitting = live.clone().filter(fits).peekable();
    if fitting.peek().is_some() {
        return fitting.filter_map(|one| one.ends).min();
    }
    match (live.next(), live.next()) {
        (Some(only), None) if registered.whole && only.hint.is_none() => only.ends,
        _ => None,
    }
}

/// The end of our certificate among those registered; it works until the last
/// of its entries ends.
pub(super) fn end_of_certificate(
    registered: &RegisteredCredentials,
    ours: &Certificate,
) -> Option<Timestamp> {
    let is_ours = |one: &&RegisteredCertificate| match (&one.der, &one.identifier) {
        (Some(der), _) => {
            let hash = ring::digest::digest(&ring::digest::SHA256, der);
            URL_SAFE_NO_PAD.encode(hash) == ours.thumbprint
        }
        (None, Some(identifier)) => *identifier == ours.sha1,
        (None, None) => false,
    };
    let mine = registered.certificates.iter().filter(is_ours);
    mine.filter_map(|one| one.ends).max()
}

/// True if a date that somebody wrote down is not the end that the directory knows.
#[must_use]
pub fn contradicts(written: Timestamp, registered: Timestamp) -> bool {
    written.duration_since(registered).abs() > SAME
}

/// The end that counts: the earlier of what is known here (a certificate's file,
/// a date in the configuration) and what the directory says.
pub(super) fn earlier(
    here: Option<CredentialExpiry>,
    registered: Option<CredentialExpiry>,
) -> Option<CredentialExpiry> {
    match (here, registered) {
        (Some(here), Some(there)) => Some(if there.1 < here.1 { there } else { here }),
        (one, None) | (None, one) => one,
    }
}

impl Tokens {
    /// Takes what the directory says of the account's own credential, and keeps
    /// the end of the entry that is ours. Neither hints nor certificates are kept.
    pub fn learn_registered(&self, account: &Account, registered: &RegisteredCredentials) {
        let Ok(tokens) = self.tokens(account) else {
            return;
        };
        let now = self.client.clock.now();
        let end = tokens.credential.registered_end(registered, now);
        tokens.state.lock().registered = Some(end);
        if let (Some((_, end)), Some(written)) = (end, written_end(account))
            && contradicts(written, end)
        {
            tracing::warn!(
                account = &*account.name,
                registered = %end.strftime("%Y-%m-%d"),
                expires = %written.strftime("%Y-%m-%d"),
                "`expires` of the client secret is not the end that the directory knows; the \
                 earlier one counts; leave `expires` away and the directory's is read every day"
            );
        }
        self.publish(&tokens);
    }

    /// True if nothing was learned since the credential changed, and there is
    /// something to learn.
    #[must_use]
    pub fn wants_registered(&self, account: &Account) -> bool {
        let known = |tokens: &super::account_tokens::AccountTokens| {
            tokens.state.lock().registered.is_some()
        };
        matches!(account.sign_in, SignIn::App(_))
            && self.tokens(account).is_ok_and(|tokens| !known(&tokens))
    }

    /// The end of the account's own credential as the directory knows it, where
    /// it was asked and the entry was found.
    #[must_use]
    pub fn registered_end(&self, account: &Account) -> Option<CredentialExpiry> {
        let tokens = self.tokens(account).ok()?;
        tokens.state.lock().registered.flatten()
    }
}

/// What somebody wrote down as the end of the account's secret.
#[must_use]
pub const fn written_end(account: &Account) -> Option<Timestamp> {
    match account.app_credential() {
        Some(AppCredential::ClientSecret { expires, .. }) => *expires,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CredentialKind;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    /// Hint, first and last day.
    type Entry = (Option<&'static str>, Option<i64>, Option<i64>);

    fn registered(entries: &[Entry], whole: bool) -> RegisteredCredentials {
        let secrets = entries.iter().map(|(hint, starts, ends)| RegisteredSecret {
            hint: hint.map(|hint| Secret::new(hint.to_owned())),
            starts: starts.map(day),
            ends: ends.map(day),
        });
        RegisteredCredentials {
            secrets: secrets.collect(),
            whole,
            ..RegisteredCredentials::default()
        }
    }

    #[test]
    fn which_secret_is_ours() {
        const OURS: Entry = (Some("Xy7"), Some(0), Some(200));
        const OTHER: Entry = (Some("Ab1"), Some(0), Some(150));
        const BARE: Entry = (None, Some(0), Some(300));
        let of = |entries: &[Entry], whole| {
            end_of_secret(
                &registered(entries, whole),
                &Secret::new("Xy7~abc".to_owned()),
                day(100),
            )
        };
        let cases: &[(&str, &[Entry], bool, Option<i64>)] = &[
            ("nothing registered", &[], true, None),
            ("the hint fits", &[OTHER, OURS, BARE], true, Some(200)),
            ("whatever else cannot be read", &[OURS], false, Some(200)),
            (
                "several fit: the earliest",
                &[OURS, (Some("Xy7"), None, Some(120))],
                true,
                Some(120),
            ),
            (
                "one that fits is over",
                &[OURS, (Some("Xy7"), Some(0), Some(99))],
                true,
                Some(200),
            ),
            (
                "one that fits ends this moment",
                &[(Some("Xy7"), Some(0), Some(100))],
                true,
                None,
            ),
            (
                "one that fits begins later",
                &[(Some("Xy7"), Some(101), Some(400)), OURS],
                true,
                Some(200),
            ),
            (
                "one that fits begins this moment",
                &[(Some("Xy7"), Some(100), Some(400))],
                true,
                Some(400),
            ),
            (
                "fits, its end unsaid",
                &[(Some("Xy7"), None, None)],
                true,
                None,
            ),
            (
                "fits twice, one end unsaid",
                &[(Some("Xy7"), None, None), OURS],
                true,
                Some(200),
            ),
            ("only one, without a hint", &[BARE], true, Some(300)),
            (
                "and others that are over",
                &[
                    BARE,
                    (None, Some(0), Some(50)),
                    (Some("Ab1"), Some(0), Some(1)),
                ],
                true,
                Some(300),
            ),
            ("only one, but not all was read", &[BARE], false, None),
            ("two without a hint", &[BARE, BARE], true, None),
            (
                "one without, one that does not fit",
                &[BARE, OTHER],
                true,
                None,
            ),
            ("only one, and its hint does not fit", &[OTHER], true, None),
            (
                "only one, its end unsaid",
                &[(None, None, None)],
                true,
                None,
            ),
            (
                "case matters",
                &[(Some("xy7"), None, Some(200))],
                true,
                None,
            ),
        ];
        for (what, entries, whole, wanted) in cases {
            assert_eq!(of(entries, *whole), wanted.map(day), "{what}");
        }
    }

    #[test]
    fn a_date_in_a_file_is_good_to_a_day_and_a_half() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let written = at("2027-03-01T00:00:00Z");
        for same in [
            "2027-03-01T23:59:59Z",
            "2027-02-28T10:00:00Z",
            "2027-03-02T11:00:00Z",
        ] {
            assert!(!contradicts(written, at(same)), "{same}");
        }
        for other in [
            "2027-03-03T00:00:00Z",
            "2027-02-27T00:00:00Z",
            "2026-03-01T00:00:00Z",
        ] {
            assert!(contradicts(written, at(other)), "{other}");
        }
    }

    #[test]
    fn the_earlier_end_counts() {
        let at = |n| Some((CredentialKind::ClientSecret, day(n)));
        assert_eq!(earlier(None, None), None);
        assert_eq!(earlier(at(1), None), at(1));
        assert_eq!(earlier(None, at(2)), at(2));
        assert_eq!(earlier(at(1), at(2)), at(1));
        assert_eq!(earlier(at(3), at(2)), at(2));
    }
}
