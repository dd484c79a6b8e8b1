//! No secret is ever quoted, whatever is wrong around it.

use m365mon::config;
use m365mon::kinds::Configuration;

use super::{ID, parse};

/// Never to be seen in anything that comes out.
const CANARY: &str = "C4naryQ~w8.xY_z";

/// A configuration with a canary wherever a secret may stand.
fn with_canaries() -> String {
    format!(
        "http: {{proxy_url: \"http://steve:{CANARY}@proxy.contoso.com:3128\"}}
accounts:
  - name: a
    tenant: contoso.com
    client_id: {ID}
    client_secret: {{secret: {CANARY}, expires: 2027-03-01}}
  - name: b
    tenant: contoso.com
    client_id: {ID}
    client_certificate:
      certificate_file: /dev/null
      key_passphrase: \"{CANARY}\"
"
    )
}

fn assert_hidden(text: &str) {
    if let Some(configuration) = assert_unsaid(text) {
        let shown = config::redacted(&configuration);
        hides(text, &format!("{configuration:?}\n{shown}"));
    }
}

/// The same of complaints alone: what was taken is shown as it was written.
fn assert_unsaid(text: &str) -> Option<Configuration> {
    let (said, taken) = match parse(text) {
        Ok(loaded) => {
            let warnings = loaded.warnings.iter().map(ToString::to_string);
            let said = warnings.collect::<Vec<_>>().join("\n");
            (said, Some(loaded.configuration))
        }
        Err(errors) => (errors, None),
    };
    hides(text, &said);
    taken
}

fn hides(text: &str, out: &str) {
    // Half of it would be too much as well.
    for part in [CANARY, &CANARY[..8], &CANARY[8..]] {
        assert!(!out.contains(part), "{text}\n->\n{out}");
    }
}

#[test]
fn a_planted_secret_is_never_quoted() {
    assert_hidden(&with_canaries());
    let account = format!("name: a, tenant: contoso.com, client_id: {ID}");
    for wrong in [
        // In place of its mapping, of the wrong type, under a mistyped key.
        format!("client_secret: {CANARY}"),
        format!("client_secret: [{CANARY}]"),
        format!("client_secret: {{secret: [{CANARY}]}}"),
        format!("client_secret: {{secret: {{{CANARY}: 1}}}}"),
        format!("client_secret: {{secret: {{value: {CANARY}}}}}"),
        format!("client_secret: {{secrett: {CANARY}}}"),
        format!("client_secret: {{Secret: {CANARY}}}"),
        format!("client_secret: {{value: {CANARY}}}"),
        format!("client_secret: {{{CANARY}}}"),
        format!("client_secret: {{secret {CANARY}}}"),
        format!("client_secret: {{secret:{CANARY}}}"),
        format!("client_secret: {{\"{CANARY}\": x}}"),
        format!("client_secret: {{secret_env: {CANARY}}}"),
        format!("client_secrett: {CANARY}"),
        format!("client_secret:{CANARY}"),
        format!("client_secret {CANARY}"),
        format!("client_id: {ID}, client_secret: x,{CANARY}"),
        format!("clientsecret: {{secret: {CANARY}}}"),
        format!("secret: {CANARY}"),
        format!("password: {CANARY}"),
        format!("delegated: {{username: steve@contoso.com, password: {CANARY}}}"),
        format!("delegated: {CANARY}"),
        format!("managed_identity: {CANARY}"),
        format!("workload_identity: {{token: {CANARY}}}"),
        format!("client_certificate: {CANARY}"),
        format!("client_certificate: {{certificate_file: c, key_passphrase: [{CANARY}]}}"),
        format!("client_certificate: {{certificate_file: c, key_pasphrase: {CANARY}}}"),
        // As an alias, an anchor, a tag, doubled.
        format!("client_secret: {{secret: *{CANARY}}}"),
        format!("client_secret: {{secret: &{CANARY} }}"),
        format!("client_secret: {{secret: !{CANARY} x}}"),
        format!("client_secret: {{secret: '@{CANARY}}}"),
        format!("client_secret: {{secret: @{CANARY}}}"),
        format!("client_secret: {{secret: \"\\q{CANARY}\"}}"),
        format!("client_secret: {{secret: %{CANARY}}}"),
        format!("client_secret: {{secret: a: {CANARY}}}"),
        format!("client_secret: {{{CANARY}: 1, {CANARY}: 2}}"),
        format!("client_secret: {{secret: {CANARY}, secret: {CANARY}}}"),
        format!("client_secret: {{secret: {CANARY}, secret_file: f}}"),
        format!("client_id: {CANARY}, managed_identity: {{}}"),
    ] {
        assert_hidden(&format!("accounts:\n  - {{{account}, {wrong}}}\n"));
        assert_hidden(&format!("accounts:\n  - {{{account}, {wrong}\n"));
        // The same in block style, as most people write it.
        let block = account.replace(", ", "\n    ");
        assert_hidden(&format!("accounts:\n  - {block}\n    {wrong}\n"));
        assert_hidden(&format!("accounts:\n  - {block}\n   {wrong}\n"));
        assert_hidden(&format!(
            "accounts:\n  - {block}\n    {wrong}\n    {wrong}\n"
        ));
    }
    for proxy in [
        format!("https://u:{CANARY}@proxy.contoso.com"),
        format!("u:{CANARY}@proxy.contoso.com"),
        format!("http://u:{CANARY}@proxy.contoso.com/path"),
        format!("[{CANARY}]"),
    ] {
        assert_hidden(&format!("http: {{proxy_url: {proxy}}}\n"));
        assert_hidden(&format!("http: {{proxy: {proxy}}}\n"));
        assert_hidden(&format!("http: {{proxy_url: {proxy}\n"));
    }
}

/// A password in an address, also where no address was wanted.
#[test]
fn no_complaint_quotes_a_password_in_an_address() {
    let account = format!("name: a, tenant: contoso.com, client_id: {ID}");
    let identity = "managed_identity: {}";
    for address in [
        format!("https://steve:{CANARY}@login.contoso.com"),
        format!("http://steve:{CANARY}@login.contoso.com/x"),
        format!("steve:{CANARY}@login.contoso.com"),
        format!("https://{CANARY}@login.contoso.com?x"),
    ] {
        for wrong in [
            format!(
                "cloud: {{login_url: \"{address}\", graph_url: \"https://graph.contoso.com\"}}, {identity}"
            ),
            format!(
                "cloud: {{login_url: \"https://login.contoso.com\", graph_url: \"{address}\"}}, {identity}"
            ),
            format!("cloud: \"{address}\", {identity}"),
            format!("audiences: {{\"api://x\": \"{address}\"}}, {identity}"),
            format!("audiences: {{\"{address}\": api.contoso.com}}, {identity}"),
            format!("proxy_url: \"{address}\", {identity}"),
            format!("delegated: {{username: \"{address}\"}}"),
            format!("delegated: {{username: steve@contoso.com, redirect_url: \"{address}\"}}"),
        ] {
            assert_unsaid(&format!("accounts:\n  - {{{account}, {wrong}}}\n"));
        }
        assert_unsaid(&format!(
            "accounts:\n  - {{name: a, tenant: \"{address}\", client_id: {ID}, {identity}}}\n"
        ));
        for wrong in [
            format!("kind: http_endpoint, url: \"{address}\""),
            format!("kind: http_endpoint, url: \"https://api.contoso.com\", scope: \"{address}\""),
            format!(
                "kind: http_endpoint, url: \"https://api.contoso.com\", proxy_url: \"{address}\""
            ),
            format!("kind: sharepoint_site, url: \"{address}\""),
            format!("kind: exchange_mailbox, user: \"{address}\""),
        ] {
            assert_unsaid(&format!("resources:\n  - {{name: r, {wrong}}}\n"));
        }
        for wrong in [
            format!("resolve: {{\"{address}\": \"127.0.0.1:8445\"}}"),
            format!("resolve: {{graph.microsoft.com: \"{address}\"}}"),
            format!("no_proxy: [\"{address}\"]"),
        ] {
            assert_unsaid(&format!("http: {{{wrong}}}\n"));
        }
    }
}

#[test]
fn one_wrong_character_anywhere_does_not_quote_a_secret() {
    let text = with_canaries();
    let inserted = [
        "", "\n", " ", ":", ": ", ",", "{", "}", "[", "]", "\"", "'", "#", "&", "*", "!", "- ",
        "?", "|", "x",
    ];
    for at in 0..text.len() {
        for with in inserted {
            // Inserted before a character, and in its place; the secret itself
            // stays whole.
            for kept in [at, at + 1] {
                let broken = format!("{}{with}{}", &text[..at], &text[kept..]);
                if broken.matches(CANARY).count() == 3 {
                    assert_hidden(&broken);
                }
            }
        }
    }
}

/// The search itself works: what is no secret is quoted.
#[test]
#[should_panic(expected = "tenant")]
fn a_word_that_is_no_secret_is_quoted() {
    assert_hidden(&format!(
        "accounts:\n  - {{name: a, tenant: {CANARY}, client_id: {ID}, delegated: {{username: steve@contoso.com}}}}\n"
    ));
}

/// Whatever its words are, a name that the user chose says nothing about its value.
#[test]
fn names_that_users_choose_make_no_secret() {
    let account = format!("name: a, tenant: contoso.com, client_id: {ID}, managed_identity: {{}}");
    let http = "name: r, kind: http_endpoint, url: \"https://api.contoso.com/\"";
    for text in [
        "labels: {token_team: web}".to_owned(),
        "http: {resolve: {secret.contoso.com: \"127.0.0.1:8445\"}}".to_owned(),
        format!("accounts: [{{{account}, audiences: {{\"api://token-desk\": api.contoso.com}}}}]"),
        format!("resources: [{{{http}, expect_json: {{password_age: ok}}}}]"),
        format!(
            "resources: [{{{http}, labels: {{proxy_team: web}}}}]
windows: [{{name: w, type: maintenance, days: mon, match: {{proxy_team: web}}}}]"
        ),
    ] {
        let loaded = parse(&text).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        let shown = config::redacted(&loaded.configuration);
        assert!(!shown.contains("<secret>"), "{shown}");
    }
}
