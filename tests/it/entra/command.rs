//! `m365mon login`, `tokens` and `logout` as they are typed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use std::sync::Arc;

use http::{HeaderMap, Method};
use m365mon::http::{PlainAnswer, PlainBody, PlainClient, PlainRequest, UseProxy};
use m365mon::simulator::directory as contoso;
use m365mon::simulator::entra::approve_device;
use url::Url;

use super::cloud::{Cloud, HOST};

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

/// A browser that can do what the simulated pages need: follow, fill in, press.
struct Browser {
    client: PlainClient,
    username: String,
    password: String,
}

impl Browser {
    async fn go(&self, url: &str) {
        let mut answer = self
            .send(Method::GET, Url::parse(url).unwrap(), PlainBody::Empty)
            .await;
        for _ in 0..6 {
            if let Some(target) = answer.headers.get("location") {
                let target = Url::parse(target.to_str().unwrap()).unwrap();
                assert_eq!(target.host_str(), Some("localhost"));
                answer = self.send(Method::GET, target, PlainBody::Empty).await;
                assert_eq!(answer.status, 200);
                return;
            }
            let page = String::from_utf8(answer.body.to_vec()).unwrap();
            let between = |from: &str| {
                page.split(from)
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
                    .unwrap()
                    .to_owned()
            };
            let action = between("action=\"");
            let mut fields = vec![("ctx".to_owned(), between("name=\"ctx\" value=\"").into())];
            if action.ends_with("/login") {
                fields.push(("login".to_owned(), self.username.clone().into()));
                fields.push(("passwd".to_owned(), self.password.clone().into()));
            }
            let url = Url::parse(&format!("https://{HOST}"))
                .unwrap()
                .join(&action)
                .unwrap();
            answer = self.send(Method::POST, url, PlainBody::Form(fields)).await;
        }
        panic!("the sign-in does not come to an end");
    }

    async fn send(&self, method: Method, url: Url, body: PlainBody) -> PlainAnswer {
        let proxy = if url.scheme() == "http" {
            UseProxy::Never
        } else {
            UseProxy::Configured
        };
        let request = PlainRequest {
            method,
            url,
            headers: HeaderMap::new(),
            body,
            timeout: std::time::Duration::from_secs(60),
            proxy,
        };
        self.client.send(request).await.unwrap()
    }
}

#[tokio::test]
async fn with_a_browser() {
    let cloud = Cloud::start().await;
    let upn = format!("steve@{}", contoso::DOMAIN);
    let file = cloud.configuration(&upn);
    let password = cloud
        .tenant
        .directory
        .read()
        .user(&upn)
        .unwrap()
        .password
        .clone();
    let browser = Arc::new(Browser {
        client: cloud.client(),
        username: upn.clone(),
        password: password.expose().to_owned(),
    });
    let runtime = tokio::runtime::Handle::current();
    let (code, out, err) = login_as(&file, &[], move |line| {
        if line.starts_with("https://") {
            let (browser, line) = (Arc::clone(&browser), line.to_owned());
            runtime.spawn(async move { browser.go(&line).await });
        }
    })
    .await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("ssh -L"), "{out}");
    assert!(out.contains(&format!("{upn} is signed in")), "{out}");
    let (_, out, _) = run(&file, &["tokens"]).await;
    assert!(out.starts_with("contoso: refresh token until 20"), "{out}");
    assert!(out.contains("AllSites.Read"), "{out}");
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
