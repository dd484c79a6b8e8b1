//! `m365mon login`, `tokens` and `logout` as they are typed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use m365mon::simulator::directory as contoso;
use m365mon::simulator::entra::approve_device;

use super::cloud::Cloud;

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

/// Runs `login --device-code` and lets `who` approve.
async fn login(cloud: &Cloud, configuration: &Path, who: &str) -> (i32, String, String) {
    let mut command = m365mon(configuration, &["login", "contoso", "--device-code"]);
    let tenant = cloud.tenant.clone();
    let who = format!("{who}@{}", contoso::DOMAIN);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut out = String::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap() == 0 {
                break;
            }
            out.push_str(&line);
            if line.contains("enter the code") {
                let code = line.split("the code ").nth(1).unwrap();
                let code = code.split_whitespace().next().unwrap();
                approve_device(&tenant, code, &who).unwrap();
            }
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
