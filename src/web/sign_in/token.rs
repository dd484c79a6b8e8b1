//! Form tokens: proof that whoever sends a form has read a page of this very
//! process, which a page of another site cannot.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use crate::model::Random;

/// Makes and checks the tokens; as old as the process.
pub(super) struct FormKey(hmac::Key);

impl FormKey {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        random.fill(&mut *key);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*key))
    }

    /// The token of one form of one account.
    pub(super) fn token(&self, action: &str, account: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &message(action, account)))
    }

    /// Whether a token is that of this form; in constant time.
    pub(super) fn accepts(&self, action: &str, account: &str, token: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|tag| hmac::verify(&self.0, &message(action, account), &tag).is_ok())
    }
}

/// No action has a line feed in its name.
fn message(action: &str, account: &str) -> Vec<u8> {
    [action.as_bytes(), b"\n", account.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemRandom;

    #[test]
    fn a_token_is_for_one_form_of_one_account_in_one_process() {
        let random = SystemRandom::new();
        let key = FormKey::new(&random);
        let token = key.token("sign-in", "contoso");
        assert!(key.accepts("sign-in", "contoso", &token));
        assert!(!key.accepts("sign-out", "contoso", &token));
        assert!(!key.accepts("sign-in", "other", &token));
        assert!(!FormKey::new(&random).accepts("sign-in", "contoso", &token));
        for bad in ["", "x", "AAAA", &token[1..], &format!("{token}A")] {
            assert!(!key.accepts("sign-in", "contoso", bad), "{bad}");
        }
    }
}
