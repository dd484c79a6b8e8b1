//! An invitation that is made on the command line, and where none is made.

use std::path::Path;
use std::process::{Command, Output};

use m365mon_simulator::directory::DELEGATED_CLIENT_ID;

use super::{EXTERNAL, HOST, INVITATION, ORIGIN, house, press};
use crate::rooms::sign_in::entra::{Person, Says};
use crate::rooms::sign_in::stage::{Begun, FORM, SIGN_IN, Stage, upn};
use crate::support::operator::EVERYONE;
use crate::support::raw::{request, request_with};
use crate::support::stack::Process;
use crate::support::tenant;

#[tokio::test]
async fn nobody_is_invited_to_where_no_sign_in_comes_back() {
    let stage = house(false).await;
    let refused = press(&stage).await;
    assert_eq!(refused.status, 409);
    for says in [
        "AADSTS50011",
        &format!("{EXTERNAL}/auth/callback is not registered"),
    ] {
        assert!(refused.text().contains(says), "{}", refused.text());
    }
    let stage = Stage::new().await;
    let page = stage.get(SIGN_IN, &[]).await.words();
    assert!(
        page.contains("Not by a link to send: an invitation needs"),
        "{page}"
    );
}

/// Runs `m365mon login contoso-steve --link`.
fn login(configuration: &Path, external: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(["login", "contoso-steve", "--link", "--config.file"])
        .arg(configuration)
        .env_remove("M365MON_WEB_EXTERNAL_URL");
    command.envs(external.map(|url| ("M365MON_WEB_EXTERNAL_URL", url)));
    command.output().unwrap()
}

/// By the binary at its most talkative: made on the command line, used with an
/// exporter that was started afterwards; who made and who used it is in the log,
/// what makes it good is not.
#[tokio::test]
async fn made_on_the_command_line_and_used_with_a_running_exporter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let mut pair = tokio::task::spawn_blocking(move || {
        tenant::pair(&path, &[], |control| {
            let user = upn("steve");
            let json = format!("{{\"user\": \"{user}\", \"password\": \"canary-91f2\"}}");
            tenant::tell(control, "/users", &json);
        })
    })
    .await
    .unwrap();
    let file = folder.path().join("tenant/m365mon.yml");
    let control = pair.control;
    let (link, exporter, address) = tokio::task::spawn_blocking({
        let file = file.clone();
        move || {
            for (external, code, says) in [
                (
                    None,
                    3,
                    "an invitation needs an address that its reader reaches",
                ),
                (Some("http://m365mon.contoso.com"), 3, "with https"),
                (Some(EXTERNAL), 1, "AADSTS50011"),
            ] {
                let refused = login(&file, external);
                let said = String::from_utf8_lossy(&refused.stderr);
                assert_eq!(refused.status.code(), Some(code), "{said}");
                assert!(said.contains(says) && refused.stdout.is_empty(), "{said}");
            }
            let json = format!(
                "{{\"app\": \"{DELEGATED_CLIENT_ID}\", \"platform\": \"public\", \
                 \"uri\": \"{EXTERNAL}/auth/callback\"}}"
            );
            tenant::tell(control, "/entra/redirects", &json);
            let made = login(&file, Some(EXTERNAL));
            assert_eq!(made.status.code(), Some(0), "{made:?}");
            let link = String::from_utf8(made.stdout).unwrap().trim().to_owned();
            let external = format!("--web.external-url={EXTERNAL}");
            let (exporter, address) = Process::serve(&file, &[&external, "--log.level=trace"]);
            exporter.wait_for("ready", |log| log.contains("msg=ready").then_some(()));
            (link, exporter, address)
        }
    })
    .await
    .unwrap();
    let (page, invitation) = link.split_once('#').unwrap();
    assert_eq!(page, format!("{EXTERNAL}{INVITATION}"));

    let line = format!("POST /m365{INVITATION}");
    let headers = [HOST, FORM, ORIGIN, EVERYONE];
    let asked = request_with(address, &line, &headers, &format!("link={invitation}")).await;
    let kept = format!("cookie: {}", asked.header("set-cookie").unwrap());
    let headers = [
        HOST,
        FORM,
        ORIGIN,
        EVERYONE,
        kept.split(';').next().unwrap(),
    ];
    let begun = Begun::of(&request_with(address, &line, &headers, "go=1").await);
    let none = std::collections::BTreeMap::new();
    let loaded = m365mon::config::load(&file, &none).unwrap();
    let person = Person::new(&loaded.configuration.http, "steve", "canary-91f2");
    let to = person.go(&begun.url, Says::Accept).await;
    let line = format!("GET {}?{}", to.path(), to.query().unwrap());
    let cookie = format!("cookie: {}", begun.cookie);
    let back = request(address, &line, &[HOST, EVERYONE, &cookie]).await;
    let done = format!("/m365{INVITATION}/done");
    assert_eq!(back.header("location"), Some(&*done));

    let by = "by=\"an invitation of m365mon login\"";
    let log = tokio::task::spawn_blocking(move || {
        exporter.wait_for("a sign-in", |log| {
            let signed_in = |line: &str| line.contains(by) && line.contains("msg=\"signed in\"");
            log.lines().any(signed_in).then(|| log.to_owned())
        })
    })
    .await
    .unwrap();
    assert!(log.contains("its invitation is used up"), "{log}");
    for secret in [invitation, begun.cookie.split_once('=').unwrap().1] {
        assert!(!log.contains(secret), "{log}");
    }
    let store = std::fs::read_to_string(&loaded.configuration.storage.file).unwrap();
    assert!(!store.contains("invitations"), "{store}");
    pair.exporter.signal("TERM");
    assert_eq!(pair.exporter.exit_code(), 0);
}
