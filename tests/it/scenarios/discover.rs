//! `m365mon discover` against the simulated tenant: what is found loads as it is,
//! what stands in the way is said, and nothing is kept or told beside.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use m365mon_simulator::directory::{
    APP_CLIENT_ID, COMMAND_LINE_TOOLS_CLIENT_ID, DOMAIN, SELECTED_CLIENT_ID,
};

use crate::rooms::doctor::stage::{Stage, selected, site, steve};
use crate::support::stack::{eventually, http};
use crate::support::tenant::JSON;

/// A run of the command, with a person who enters its code.
fn discover(stage: &Stage, account: &str, more: &[&str]) -> Output {
    let errors = stage.path("stderr.txt");
    let mut child = command(stage, account, more)
        .arg("--device-code")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let order = eventually("there is a code", || {
        let text = std::fs::read_to_string(&errors).unwrap();
        let code = text.split("enter the code ").nth(1)?;
        let code = code.split_whitespace().next()?;
        Some(format!(r#"{{"user": "steve@{DOMAIN}", "code": "{code}"}}"#))
    });
    eventually("the device is known", || {
        let answer = http(stage.control, "POST", "/devices", &JSON, &order)?;
        (200..300).contains(&answer.0).then_some(())
    });
    let status = child.wait().unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.status = status;
    output.stderr = std::fs::read(&errors).unwrap();
    output
}

fn command(stage: &Stage, account: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_m365mon"));
    command
        .args(["discover", account, "--config.file"])
        .arg(stage.path("m365mon.yml"))
        .args(more)
        .env_remove("M365MON_STORAGE_KEY")
        .stdin(Stdio::null());
    command
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Consents for everyone.
fn consent(stage: &Stage, names: &[&str]) {
    let names = serde_json::json!(names);
    stage.tell(
        "/consents",
        &format!(
            r#"{{"app": "{COMMAND_LINE_TOOLS_CLIENT_ID}", "resource": "graph", "grant": {names}}}"#
        ),
    );
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_found_loads_as_it_is_and_nothing_is_kept() {
    let stage = Stage::set();
    consent(
        &stage,
        &["Sites.Read.All", "Team.ReadBasic.All", "User.ReadBasic.All"],
    );
    let known = site("app", "sites/marketing", "");
    stage.configure(&selected(), &known);
    std::fs::write(stage.path("stderr.txt"), "").unwrap();
    let before = files(&stage.path(""));
    let output = discover(
        &stage,
        "app",
        &[
            "--sites", "mark", "--sites", "sites/", "--users", "s", "--users", "Help", "--teams",
        ],
    );
    let (found, said) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(files(&stage.path("")), before, "nothing is stored");
    for line in [
        "  - {name: \"intranet\", account: \"app\", kind: sharepoint_site, url: \"https://contoso.sharepoint.com/sites/intranet\"}\n",
        "  - {name: \"steve\", account: \"app\", kind: exchange_mailbox, user: \"",
        "\"} # steve@contoso.onmicrosoft.com\n",
        "  - {name: \"team-",
        "\", account: \"app\", kind: teams_team, team: \"",
        "  - {name: \"helpdesk\", account: \"app\", kind: exchange_mailbox, user: \"",
    ] {
        assert!(found.contains(line), "{line}\n{found}{said}");
    }
    // Watched already; and of people nothing but their addresses.
    assert!(!found.contains("marketing"), "{found}");
    assert!(
        said.contains("1 of what was found is watched already"),
        "{said}"
    );
    for text in [&found, &said] {
        for canary in [
            "Service Desk",
            "Project X",
            "Steve Jackson",
            "Help Desk",
            "Jackson",
            "Intranet",
            "eyJ",
            "Bearer",
        ] {
            assert!(!text.contains(canary), "{canary} is told: {text}");
        }
    }
    assert!(
        said.contains("Sites.Read.All, to find sites with \"mark\""),
        "{said}"
    );
    assert!(!said.contains("offline_access"), "{said}");

    // As it is, under `resources:`.
    stage.configure(&selected(), &format!("{known}\n{found}"));
    let output = stage.run(&["check-config"], &[]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // And then there is nothing new.
    let output = discover(&stage, "app", &["--sites", "sites/"]);
    let (found, said) = texts(&output);
    assert_eq!((output.status.code(), &*found), (Some(0), ""), "{said}");

    let output = discover(&stage, "app", &["--sites", "no such thing"]);
    let (found, said) = texts(&output);
    assert_eq!((output.status.code(), &*found), (Some(1), ""), "{said}");
    assert!(said.contains("nothing was found"), "{said}");
}

#[test]
fn another_client_and_what_the_consent_lacks() {
    let stage = Stage::set();
    stage.configure(
        &format!("{}\n{}", steve(), selected()),
        &site("app", "sites/intranet", ""),
    );
    for (more, words) in [
        (
            vec!["--sites", "x", "--client-id", SELECTED_CLIENT_ID],
            "own registration",
        ),
        (
            vec!["--sites", "x", "--client-id", "tools"],
            "want a client id",
        ),
        (vec!["--sites", ""], "want 1 to 100 characters"),
        (vec![], "--teams"),
    ] {
        let output = command(&stage, "app", &more).output().unwrap();
        let (found, said) = texts(&output);
        assert_eq!((output.status.code(), &*found), (Some(3), ""), "{said}");
        assert!(said.contains(words), "{words}: {said}");
    }
    // An application that may do nothing of it, and takes no codes.
    let output = command(
        &stage,
        "app",
        &[
            "--sites",
            "x",
            "--client-id",
            "11111111-0000-4000-8000-00000000000f",
            "--device-code",
        ],
    )
    .output()
    .unwrap();
    let (_, said) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("AADSTS700016") && said.contains("--client-id"),
        "{said}"
    );
    assert_ne!(APP_CLIENT_ID, COMMAND_LINE_TOOLS_CLIENT_ID);

    // Graph does not let the person look.
    consent(&stage, &["Sites.Read.All", "User.ReadBasic.All"]);
    stage.tell(
        "/faults",
        r#"{"scope": {"host": "graph.microsoft.com"}, "kind": {"status": {"status": 403}}}"#,
    );
    let output = discover(&stage, "steve", &["--users", "info"]);
    let (found, said) = texts(&output);
    assert_eq!((output.status.code(), &*found), (Some(1), ""), "{said}");
    assert!(
        said.contains("Graph answered 403") && said.contains("User.ReadBasic.All"),
        "{said}"
    );
    stage.mend();
    let output = discover(&stage, "steve", &["--users", "steve"]);
    let (found, said) = texts(&output);
    assert_eq!(
        &*found,
        "  - {name: \"steve\", account: \"steve\", kind: exchange_mailbox} # steve@contoso.onmicrosoft.com\n",
        "{said}"
    );
}

/// The browser comes back with what Entra's page "Need admin approval" leaves.
#[test]
fn a_browser_that_comes_back_without_a_consent() {
    let stage = Stage::set();
    stage.configure(&selected(), &site("app", "sites/intranet", ""));
    let errors = stage.path("stderr.txt");
    let mut child = command(&stage, "app", &["--sites", "x"])
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let url: url::Url = eventually("there is a link", || {
        let text = std::fs::read_to_string(&errors).unwrap();
        let link = text
            .lines()
            .find(|line| line.trim().starts_with("https://"))?;
        text.contains("ssh -L")
            .then(|| link.trim().parse().unwrap())
    });
    let get = |name: &str| {
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    };
    assert_eq!(
        get("client_id").as_deref(),
        Some(COMMAND_LINE_TOOLS_CLIENT_ID)
    );
    assert_eq!(
        get("scope").as_deref(),
        Some("openid profile https://graph.microsoft.com/Sites.Read.All")
    );
    assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(get("login_hint"), None);
    let redirect: url::Url = get("redirect_uri").unwrap().parse().unwrap();
    let query = format!(
        "?error=access_denied&error_description=AADSTS90094%3A+x&state={}",
        get("state").unwrap()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", redirect.port().unwrap())).unwrap();
    write!(stream, "GET /{query} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let code = child.wait().unwrap().code();
    let said = std::fs::read_to_string(&errors).unwrap();
    assert_eq!(code, Some(1), "{said}");
    for words in [
        "/v2.0/adminconsent?client_id=14d82eec",
        "--client-id",
        "http://localhost",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!stage.path("m365mon.tokens").exists());
}
