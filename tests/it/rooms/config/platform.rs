//! What the platform says beside the file: the variables of a workload identity, and
//! the cloud that goes with an authority.

use std::path::Path;

use m365mon::model::{AppCredential, Cloud, SignIn};

use super::{ID, parse, parse_with};

const WORKLOAD: &str = "accounts:\n  - {name: a, workload_identity: {}}\n";

const AKS: [(&str, &str); 4] = [
    ("AZURE_TENANT_ID", "contoso.onmicrosoft.com"),
    ("AZURE_CLIENT_ID", ID),
    ("AZURE_FEDERATED_TOKEN_FILE", "/dev/null"),
    ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
];

#[test]
fn a_workload_identity_takes_what_the_platform_injects() {
    let loaded = parse_with(WORKLOAD, &AKS).unwrap();
    let account = &loaded.configuration.accounts[0];
    assert_eq!(
        account.tenant.as_ref().unwrap().as_str(),
        "contoso.onmicrosoft.com"
    );
    assert_eq!(account.client_id.as_deref(), Some(ID));
    assert_eq!(account.cloud, Cloud::Global);
    assert!(matches!(&account.sign_in,
        SignIn::App(AppCredential::WorkloadIdentity { token_file }) if token_file == Path::new("/dev/null")));

    // Only a workload identity asks for them.
    let person = "accounts:\n  - {name: a, delegated: {username: steve@contoso.com}}\n";
    let refused = parse_with(person, &AKS).unwrap_err();
    assert!(refused.contains("\"tenant\" is missing"), "{refused}");
    assert!(parse(WORKLOAD).unwrap_err().contains("set AZURE_TENANT_ID"));
    assert!(parse(WORKLOAD).unwrap_err().contains("set AZURE_CLIENT_ID"));
    assert!(
        parse(WORKLOAD)
            .unwrap_err()
            .contains("set AZURE_FEDERATED_TOKEN_FILE")
    );
}

/// A platform injects its variables into every process; the file is about
/// this account.
#[test]
fn the_file_wins_over_the_environment() {
    let text = format!(
        "accounts:\n  - {{name: a, tenant: Contoso.onmicrosoft.com, cloud: global, client_id: {ID}, workload_identity: {{token_file: /dev/null}}}}\n"
    );
    let expected = parse(&text).unwrap().configuration.accounts;
    for (name, other) in [
        ("AZURE_TENANT_ID", "contoso2.com"),
        ("AZURE_TENANT_ID", "not a tenant"),
        ("AZURE_CLIENT_ID", "99999999-2222-3333-4444-555555555555"),
        ("AZURE_CLIENT_ID", "not an id"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/dev/zero"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
        ("AZURE_AUTHORITY_HOST", "https://login.contoso.com/"),
    ] {
        let mut pairs = AKS;
        for pair in pairs.iter_mut().filter(|pair| pair.0 == name) {
            pair.1 = other;
        }
        let loaded = parse_with(&text, &pairs).unwrap();
        assert_eq!(loaded.configuration.accounts, expected, "{name}");
        assert!(
            loaded
                .warnings
                .iter()
                .all(|one| !one.message.contains(name))
        );
    }
}

#[test]
fn the_authority_names_the_cloud_where_it_can() {
    let with = |authority| {
        let mut pairs = AKS;
        pairs[3].1 = authority;
        parse_with(WORKLOAD, &pairs)
    };
    for (authority, cloud) in [
        ("https://login.microsoftonline.com", Cloud::Global),
        ("https://LOGIN.microsoftonline.com/", Cloud::Global),
        ("https://sts.windows.net/", Cloud::Global),
        ("https://login.partner.microsoftonline.cn/", Cloud::China),
        ("https://login.chinacloudapi.cn", Cloud::China),
    ] {
        let loaded = with(authority).unwrap();
        assert_eq!(loaded.configuration.accounts[0].cloud, cloud, "{authority}");
    }
    for (authority, says) in [
        (
            "https://login.microsoftonline.us/",
            "\"gcc_high\" or \"dod\"",
        ),
        (
            "https://login.contoso.com",
            "(\"login.contoso.com\") names no",
        ),
        ("http://login.microsoftonline.com", "names no cloud"),
        (
            "https://a:canary@login.contoso.com/canary",
            "names no cloud",
        ),
        ("canary", "names no cloud"),
    ] {
        let refused = with(authority).unwrap_err();
        assert!(refused.contains(says), "{refused}");
        assert!(!refused.contains("canary"), "{refused}");
    }
    let mut pairs = AKS;
    pairs[0].1 = "not a tenant";
    pairs[1].1 = "not an id";
    let refused = parse_with(WORKLOAD, &pairs).unwrap_err();
    assert!(
        refused.contains("AZURE_TENANT_ID is neither")
            && refused.contains("AZURE_CLIENT_ID is not")
    );
}
