//! `m365mon login`, `tokens` and `logout` as they are typed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cloud::Cloud;
use crate::rooms::sign_in::entra::{Person, Says};
use m365mon_simulator::directory as contoso;
use m365mon_simulator::entra::approve_device;

fn m365mon(configuration: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(words)
        .arg("--config.file")
        .arg(configuration)
        .env_remove("M365MON_STORAGE_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

async fn run(configuration: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = m365mon(configuration, words);
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Runs `login` and does with each line what `person` does.
async fn login_as(
    configuration: &Path,
    more: &[&str],
    person: impl Fn(&str) + Send + 'static,
) -> (i32, String, String) {
    let words = [&["login", "contoso"], more].concat();
    let mut command = m365mon(configuration, &words);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut out = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                break;
            }
            person(line.trim());
            out.push_str(&line);
        }
        let status = child.wait().unwrap();
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (status.code().unwrap(), out, err)
    })
    .await
    .unwrap()
}

/// Runs `login --device-code` and lets `who` approve.
async fn login(cloud: &Cloud, configuration: &Path, who: &str) -> (i32, String, String) {
    let tenant = cloud.tenant.clone();
    let who = format!("{who}@{}", contoso::DOMAIN);
    login_as(configuration, &["--device-code"], move |line| {
        if line.contains("enter the code") {
            let code = line.split("the code ").nth(1).unwrap();
            let code = code.split_whitespace().next().unwrap();
            approve_device(&tenant, code, &who).unwrap();
        }
    })
    .await
}

/// Runs `login` with a browser, in which the person of the account signs in and
/// answers each page with the next of `says`.
async fn login_with_a_browser(
    cloud: &Cloud,
    configuration: &Path,
    says: &'static [Says],
) -> (i32, String, String) {
    let password = {
        let directory = cloud.tenant.directory.read();
        let user = directory.user(&format!("steve@{}", contoso::DOMAIN));
        user.unwrap().password.clone()
    };
    let person = Person::with(cloud.client(), "steve", password.expose());
    let (person, rounds) = (Arc::new(person), AtomicUsize::new(0));
    let runtime = tokio::runtime::Handle::current();
    login_as(configuration, &[], move |line| {
        if line.starts_with("https://login.microsoftonline.com/") && line.contains("/authorize?") {
            let says = says[rounds.fetch_add(1, Ordering::SeqCst)];
            let (person, line) = (Arc::clone(&person), line.to_owned());
            runtime.spawn(async move {
                let at = person.go(&line, says).await;
                person.arrive(at).await;
            });
        }
    })
    .await
}

/// Takes every consent back; `allowed` says whether people may give it.
fn forget_consents(cloud: &Cloud, allowed: bool) {
    let mut directory = cloud.tenant.directory.write();
    let organization = directory.organization_mut(contoso::DOMAIN).unwrap();
    organization.user_consent = allowed;
    let app = directory.application_mut(contoso::DELEGATED_CLIENT_ID);
    app.unwrap().consents.clear();
}

#[tokio::test]
async fn with_a_browser() {
    let cloud = Cloud::start().await;
    let upn = format!("steve@{}", contoso::DOMAIN);
    let file = cloud.configuration(&upn);
    let (code, out, err) = login_with_a_browser(&cloud, &file, &[Says::Accept]).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ssh -L"), "{out}");
    assert!(out.contains(&format!("{upn} is signed in")), "{out}");
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(out.starts_with("contoso: refresh token until 20"), "{out}");
    assert!(out.contains("AllSites.Read"), "{out}");
}

/// Entra takes the scopes of one service at a time: where nobody consented yet,
/// each has a round of its own.
#[tokio::test]
async fn a_second_round_for_the_second_service() {
    let cloud = Cloud::start().await;
    forget_consents(&cloud, true);
    let upn = format!("steve@{}", contoso::DOMAIN);
    let file = cloud.configuration(&upn);
    let rounds = &[Says::Accept, Says::Accept];
    let (code, out, err) = login_with_a_browser(&cloud, &file, rounds).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("https://contoso.sharepoint.com needs a consent of its own"),
        "{out}"
    );
    assert_eq!(out.matches("ssh -L").count(), 2, "{out}");
    assert_eq!(err, "", "no token is missing");
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(
        out.contains("AllSites.Read") && out.contains("Sites.Read.All"),
        "{out}"
    );

    // The second service is declined: the first goes on.
    forget_consents(&cloud, true);
    let rounds = &[Says::Accept, Says::Cancel];
    let (code, out, err) = login_with_a_browser(&cloud, &file, rounds).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("ConsentType = 'Principal'"), "{out}");
    assert!(err.contains("but not for all of it"), "{err}");
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(out.starts_with("contoso: refresh token until 20"), "{out}");
}

#[tokio::test]
async fn an_administrator_is_told_what_to_approve() {
    let cloud = Cloud::start().await;
    forget_consents(&cloud, false);
    let file = cloud.configuration(&format!("steve@{}", contoso::DOMAIN));
    let (code, out, err) = login_with_a_browser(&cloud, &file, &[Says::Return]).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("AADSTS90094"), "{err}");
    for part in [
        "Grant-Scopes $graph 'openid profile offline_access Sites.Read.All'",
        "Grant-Scopes $sharePoint 'AllSites.Read'",
        "Second choice",
        "/v2.0/adminconsent?client_id=",
        "Then sign in again.",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
}

#[tokio::test]
async fn in_and_out() {
    let cloud = Cloud::start().await;
    let upn = format!("steve@{}", contoso::DOMAIN);
    let file = cloud.configuration(&upn);
    let (code, out, err) = run(&file, &["tokens"]).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "contoso: not signed in\napp: client secret until 2027-03-01\n"
    );

    let (code, out, err) = login(&cloud, &file, "steve").await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("Sites.Read.All of https://graph.microsoft.com, for intranet: reads"),
        "{out}"
    );
    assert!(out.contains(&format!("{upn} is signed in")), "{out}");

    let (code, out, _) = run(&file, &["tokens"]).await;
    assert_eq!(code, 0);
    assert!(out.starts_with("contoso: refresh token until 20"), "{out}");
    assert!(
        out.contains("Sites.Read.All") && !out.contains("canary"),
        "{out}"
    );

    let (code, out, _) = run(&file, &["logout", "contoso"]).await;
    assert_eq!(code, 0, "{out}");
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(out.starts_with("contoso: not signed in"), "{out}");
}

#[tokio::test]
async fn the_wrong_person_and_the_wrong_account() {
    let cloud = Cloud::start().await;
    let file = cloud.configuration(&format!("info@{}", contoso::DOMAIN));
    let (code, out, err) = login(&cloud, &file, "steve").await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(
        err.contains(&format!("steve@{} signed in", contoso::DOMAIN)),
        "{err}"
    );
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(out.starts_with("contoso: not signed in"), "{out}");

    let (code, _, err) = run(&file, &["login", "app"]).await;
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("needs no person"), "{err}");
    let (code, _, err) = run(&file, &["logout", "nobody"]).await;
    assert_eq!(code, 3, "{err}");
    assert!(
        err.contains("there is no account \"nobody\"; there is: contoso, app"),
        "{err}"
    );
}
