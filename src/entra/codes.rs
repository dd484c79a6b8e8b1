//! What Entra's AADSTS numbers mean for an exporter, and what to do about them.
//!
//! Source: Microsoft's "Microsoft Entra authentication and authorization error
//! codes" and the error handling of Microsoft's own libraries. Microsoft says
//! that numbers may change, so a number only refines what the OAuth `error`
//! says: unknown ones fall back on it, and only these reach a metric label.

/// Who or what can mend a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It passes by itself.
    Transient,
    /// We ask too much.
    Throttled,
    /// The person of a delegated account: sign in again.
    Person,
    /// Nobody consented for this audience; other audiences are not concerned.
    Consent,
    /// An administrator, or whoever wrote the configuration.
    Administrator,
    /// The same, but only this audience is concerned.
    Audience,
}

/// One known number.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) number: u32,
    pub(super) class: Class,
    /// What happened and what to do, one sentence.
    pub(super) says: &'static str,
}

/// The client secret was right once and has ended.
pub(super) const SECRET_ENDED: u32 = 7_000_222;

/// Looks a number up.
pub(super) fn known(number: u32) -> Option<&'static Code> {
    CODES
        .binary_search_by_key(&number, |code| code.number)
        .ok()
        .and_then(|place| CODES.get(place))
}

use Class::{Administrator, Audience, Consent, Person, Throttled, Transient};

const fn code(number: u32, class: Class, says: &'static str) -> Code {
    Code {
        number,
        class,
        says,
    }
}

const SIGN_IN: &str = "the sign-in is no longer accepted: sign in again";
const MFA: &str = "multi-factor authentication is asked for: sign in again";
const PASSWORD: &str = "the password of the person has expired or was changed: sign in again";
const BLOCKED: &str = "a Conditional Access policy blocks this sign-in: exempt this account or let it meet the policy";
const DEVICE: &str = "a Conditional Access policy asks for a managed device, which a monitor cannot be: exempt this account";
const ASSERTION: &str = "the client assertion was not accepted: check the certificate and that its public part is uploaded to the application";
const FEDERATED: &str = "no federated credential of the application matches the token: compare its issuer, subject and audience";
const MALFORMED: &str =
    "Entra calls the request malformed: check tenant and client_id, else report this as a bug";
const UNWELL: &str = "Entra says that it cannot answer for the moment";
const WRONG_CLOUD: &str =
    "the tenant does not exist in this cloud: check `tenant` for a typing error and `cloud`";
const ON_PREMISES: &str =
    "pass-through authentication failed: the agents in your own network do not answer";
const NOT_IN_TENANT: &str =
    "this account does not belong to the tenant: check `tenant` and who signed in";

/// Sorted by number.
static CODES: &[Code] = &[
    code(16000, Administrator, NOT_IN_TENANT),
    code(
        50001,
        Audience,
        "the resource is unknown or disabled in this tenant: check the host of the resource and `cloud`",
    ),
    code(
        50011,
        Administrator,
        "the redirect URI is not registered: add it to the application's platform",
    ),
    code(50012, Administrator, ASSERTION),
    code(50013, Administrator, ASSERTION),
    code(50020, Administrator, NOT_IN_TENANT),
    code(
        50032,
        Administrator,
        "the RSA key is too weak: use one of at least 2048 bits",
    ),
    code(50033, Transient, UNWELL),
    code(
        50034,
        Person,
        "the person does not exist in this tenant: check `username`, then sign in again",
    ),
    code(
        50053,
        Person,
        "the person's account is locked, or the sign-in came from an address that Microsoft distrusts: wait, then sign in again",
    ),
    code(50055, Person, PASSWORD),
    code(
        50057,
        Administrator,
        "the person's account is disabled: enable it",
    ),
    code(50058, Person, SIGN_IN),
    code(50059, Administrator, WRONG_CLOUD),
    code(
        50072,
        Person,
        "the person must enrol for multi-factor authentication: sign in again",
    ),
    code(50074, Person, MFA),
    code(50076, Person, MFA),
    code(50078, Person, MFA),
    code(
        50079,
        Person,
        "the person must enrol for multi-factor authentication: sign in again",
    ),
    code(50085, Person, SIGN_IN),
    code(50087, Transient, UNWELL),
    code(50088, Transient, UNWELL),
    code(50089, Person, SIGN_IN),
    code(50097, Person, DEVICE),
    code(
        50105,
        Administrator,
        "the person is not assigned to the application: assign them under Enterprise applications, Users and groups",
    ),
    code(50125, Person, PASSWORD),
    code(50126, Person, SIGN_IN),
    code(50128, Administrator, WRONG_CLOUD),
    code(50131, Administrator, BLOCKED),
    code(50132, Person, PASSWORD),
    code(50133, Person, PASSWORD),
    code(
        50135,
        Person,
        "the person's account is at risk and must change its password: do so, then sign in again",
    ),
    code(50140, Person, SIGN_IN),
    code(50144, Person, PASSWORD),
    code(50158, Person, MFA),
    code(50173, Person, "the sign-in was revoked: sign in again"),
    code(
        50194,
        Administrator,
        "the application belongs to one tenant only: name that tenant",
    ),
    code(
        50196,
        Throttled,
        "Entra saw too many identical requests and asks us to slow down",
    ),
    code(50199, Person, SIGN_IN),
    code(53000, Administrator, DEVICE),
    code(53001, Administrator, DEVICE),
    code(53002, Administrator, BLOCKED),
    code(53003, Administrator, BLOCKED),
    code(53011, Administrator, BLOCKED),
    code(54005, Person, SIGN_IN),
    code(
        65001,
        Consent,
        "nobody has consented to the permissions that this needs: consent by signing in again, or let an administrator grant them",
    ),
    code(
        65004,
        Person,
        "the person declined the consent: sign in again and accept",
    ),
    code(70000, Person, SIGN_IN),
    code(
        70001,
        Administrator,
        "the application is unknown or disabled in this tenant: check `client_id`, `tenant` and `cloud`",
    ),
    code(
        70002,
        Administrator,
        "the credential of the application was not accepted: check it",
    ),
    code(70003, Administrator, MALFORMED),
    code(70005, Administrator, MALFORMED),
    code(70007, Administrator, MALFORMED),
    code(
        70008,
        Person,
        "the refresh token has expired because it was not used: sign in again",
    ),
    code(
        70011,
        Audience,
        "the scope is not valid: check the host of the resource",
    ),
    code(70012, Transient, UNWELL),
    code(70016, Person, "the sign-in is not finished yet"),
    code(70018, Person, "the device code is wrong: start again"),
    code(70019, Person, "the device code has expired: start again"),
    code(70020, Person, "the device code has expired: start again"),
    code(70021, Administrator, FEDERATED),
    code(
        70043,
        Person,
        "a sign-in frequency policy of the tenant has ended this sign-in: sign in again, and set `max_age` to the policy's time to be warned",
    ),
    code(
        70044,
        Person,
        "a sign-in frequency policy of the tenant has ended this sign-in: sign in again, and set `max_age` to the policy's time to be warned",
    ),
    code(80001, Transient, ON_PREMISES),
    code(80002, Transient, ON_PREMISES),
    code(80005, Transient, ON_PREMISES),
    code(80007, Transient, ON_PREMISES),
    code(80014, Transient, ON_PREMISES),
    code(90002, Administrator, WRONG_CLOUD),
    code(90006, Transient, UNWELL),
    code(90012, Transient, UNWELL),
    code(90013, Administrator, MALFORMED),
    code(90014, Administrator, MALFORMED),
    code(90024, Transient, UNWELL),
    code(90033, Transient, UNWELL),
    code(
        90036,
        Administrator,
        "Entra reports a failure of its directory that does not pass: ask Microsoft support with the request id",
    ),
    code(90038, Administrator, WRONG_CLOUD),
    code(90055, Throttled, "Microsoft throttles the whole tenant"),
    code(90072, Administrator, NOT_IN_TENANT),
    code(90090, Transient, UNWELL),
    code(90091, Transient, UNWELL),
    code(
        90092,
        Administrator,
        "Entra reports a failure of its directory that does not pass: ask Microsoft support with the request id",
    ),
    code(
        90093,
        Administrator,
        "an administrator must grant the permissions: people may not consent here",
    ),
    code(
        90094,
        Administrator,
        "an administrator must grant the permissions: people may not consent here",
    ),
    code(
        90095,
        Administrator,
        "an administrator was asked to grant the permissions: wait for the approval",
    ),
    code(
        100007,
        Administrator,
        "the tenant allows regional endpoints only",
    ),
    code(
        135011,
        Administrator,
        "the device is disabled in the tenant",
    ),
    code(165900, Administrator, MALFORMED),
    code(
        500011,
        Audience,
        "the tenant does not know this resource: check the host of the resource and `cloud`",
    ),
    code(
        501481,
        Person,
        "the code verifier does not match: start the sign-in again",
    ),
    code(530031, Administrator, BLOCKED),
    code(530032, Administrator, BLOCKED),
    code(530034, Administrator, BLOCKED),
    code(530035, Administrator, BLOCKED),
    // Also at a renewal of what a device code brought.
    code(
        530036,
        Person,
        "a policy of the tenant blocks the device code flow: sign in with a browser instead, by `m365mon login` without --device-code or on the account's page",
    ),
    code(
        530084,
        Administrator,
        "a Conditional Access policy asks for tokens that are bound to a device, which no server can have: exempt this account, or let the application sign in by itself",
    ),
    code(
        650052,
        Audience,
        "the tenant does not have this service: check its licences",
    ),
    code(
        650056,
        Administrator,
        "the application is not set up for this: add the permissions that it needs and grant them",
    ),
    code(
        650057,
        Audience,
        "the application does not list this resource: add its permissions to the application",
    ),
    code(700003, Administrator, DEVICE),
    code(
        700011,
        Administrator,
        "the application is unknown in this tenant: check `client_id`, `tenant` and `cloud`",
    ),
    code(
        700016,
        Administrator,
        "the application is unknown in this tenant: check `client_id`, `tenant` and `cloud`",
    ),
    code(700022, Audience, MALFORMED),
    code(700023, Audience, MALFORMED),
    code(
        700024,
        Administrator,
        "the client assertion is outside its time: check this machine's clock, or that the token file is renewed",
    ),
    code(
        700025,
        Administrator,
        "the application is a public client and must not send a credential: remove it from the account",
    ),
    code(
        700027,
        Administrator,
        "the certificate is not accepted: upload its public part to the application",
    ),
    code(
        700082,
        Person,
        "the refresh token has expired because it was not used: sign in again",
    ),
    code(
        700084,
        Person,
        "the refresh token of a single-page redirect URI ends after 24 hours: register the redirect URI as web or native, then sign in again",
    ),
    code(700211, Administrator, FEDERATED),
    code(700212, Administrator, FEDERATED),
    code(700213, Administrator, FEDERATED),
    code(900144, Administrator, MALFORMED),
    code(900382, Administrator, WRONG_CLOUD),
    code(900432, Administrator, WRONG_CLOUD),
    code(900440, Administrator, WRONG_CLOUD),
    code(
        1000502,
        Administrator,
        "the certificate is outside its time: renew it",
    ),
    code(
        7000112,
        Administrator,
        "the application is disabled in this tenant: enable it",
    ),
    code(
        7000214,
        Administrator,
        "the certificate is revoked: use another",
    ),
    code(
        7000215,
        Administrator,
        "the client secret is wrong: use its value, not its id",
    ),
    code(
        7000218,
        Administrator,
        "the application needs a secret, a certificate or a federated token: add one to the account, or allow public client flows",
    ),
    code(
        SECRET_ENDED,
        Administrator,
        "the client secret has expired: make a new one",
    ),
    code(
        7000229,
        Administrator,
        "the application has no service principal in this tenant: let an administrator consent to it",
    ),
    code(7000274, Administrator, ASSERTION),
    code(
        7000277,
        Administrator,
        "the certificate is revoked: use another",
    ),
    code(
        9001023,
        Administrator,
        "this grant needs a tenant of its own: name it in `tenant`",
    ),
    code(9002313, Administrator, MALFORMED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_something() {
        assert!(CODES.windows(2).all(|pair| pair[0].number < pair[1].number));
        for code in CODES {
            assert!(
                code.says.len() > 20 && !code.says.ends_with('.'),
                "{}",
                code.number
            );
        }
        assert_eq!(known(7_000_215).map(|code| code.class), Some(Administrator));
        assert!(known(1).is_none());
    }
}
