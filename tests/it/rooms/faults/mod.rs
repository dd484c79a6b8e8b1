//! What goes wrong on the wire, at a resource and at the token endpoint: each
//! fault is made for real, and `docs/faults.md` says what becomes of it.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use m365mon::entra::{TokenStore, Tokens};
use m365mon::http::{Network, ProbeClient, SimpleClient};
use m365mon::kinds::Resource;
use m365mon::model::{
    Account, Audience, Clock, Cloud, IgnoreAccounts, Outcome, Phase, ResolveOverride, Story,
    SystemRandom, Verdict,
};
use m365mon::probe::TenantProber;

use self::stage::{Hanging, LOGIN, Theatre};
use crate::support::documents;
use crate::support::fixtures;
use crate::support::origin::{GRAPH, HOST, LONG, Origin};

mod answers;
mod frames;
mod stage;
mod wire;

/// One thing that goes wrong.
struct Fault {
    /// What, for people.
    what: &'static str,
    how: stage::How,
}

/// Faults of one layer, under one heading.
struct Layer {
    title: &'static str,
    faults: Vec<Fault>,
}

/// What came of it.
#[derive(Debug, PartialEq)]
struct Told {
    outcome: Outcome,
    reason: String,
    phase: Option<Phase>,
    sentence: String,
}

const TOKEN: &str = "canary-token";

/// Every host is where the fault is; for the faults of names the account's
/// services have that name.
fn cloud(fault: &Fault) -> Cloud {
    match fault.how {
        stage::How::Name(host) => Cloud::Custom {
            login_url: format!("https://{host}").into(),
            graph_url: format!("https://{host}").into(),
        },
        _ => Cloud::Global,
    }
}

async fn network(fault: &Fault, theatre: &Theatre) -> (Network, Option<Origin>, Hanging) {
    let hanging = Hanging::default();
    let (address, origin) = theatre.play(fault, Hanging::clone(&hanging)).await;
    let proxied = matches!(
        fault.how,
        stage::How::Proxy(..) | stage::How::NoProxy | stage::How::Opened
    );
    if proxied {
        return (theatre.ca.network_through(address), origin, hanging);
    }
    let mut settings = theatre.ca.settings(address);
    settings
        .resolve
        .insert(LOGIN.into(), ResolveOverride { address });
    (Network::new(&settings).unwrap(), origin, hanging)
}

fn shown(sentence: &str) -> String {
    let mut shown = sentence.to_owned();
    for host in [GRAPH, LOGIN, HOST] {
        shown = shown.replace(host, "HOST");
    }
    // The proxy's port is another one each time.
    let mut parts = shown.split("127.0.0.1:");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        _ = write!(
            whole,
            "PROXY{}",
            part.trim_start_matches(|c: char| c.is_ascii_digit())
        );
    }
    assert!(!whole.contains("canary"), "{whole}");
    whole.replace('|', "\\|")
}

/// Time flies once the other side hangs, so that no machine is too slow.
async fn until_it_hangs<T: Send + 'static>(
    hanging: Hanging,
    doing: impl Future<Output = T> + Send + 'static,
) -> T {
    let doing = tokio::spawn(doing);
    let flies = AtomicBool::new(false);
    let watching = async {
        hanging.notified().await;
        tokio::time::pause();
        flies.store(true, Ordering::Relaxed);
        std::future::pending::<Infallible>().await
    };
    let done = tokio::select! {
        done = doing => done.unwrap(),
        never = watching => match never {},
    };
    if flies.into_inner() {
        tokio::time::resume();
    }
    done
}

async fn at_a_resource(fault: &Fault, theatre: &Theatre) -> Told {
    let (network, _origin, hanging) = network(fault, theatre).await;
    let account = Account {
        cloud: cloud(fault),
        ..fixtures::account("contoso")
    };
    let url = format!("https://{HOST}/sites/intranet");
    let resource = Resource {
        interval: LONG * 2,
        timeout: LONG,
        ..fixtures::resource("watched", &Arc::new(account), fixtures::site_at(&url))
    };
    let tokens = super::probe::script::ScriptedTokens::new([Ok(())], []);
    let client = ProbeClient::new(&network).unwrap();
    let prober = TenantProber::new(
        client,
        tokens,
        Clock::system(),
        Arc::new(SystemRandom::new()),
    );
    let probing = async move { prober.explained(&resource, &Story::untold()).await.0 };
    let report = until_it_hangs(hanging, probing).await;
    Told {
        outcome: report.verdict.outcome(),
        reason: report
            .verdict
            .reason()
            .map_or_else(String::new, |reason| reason.to_string()),
        phase: report.exchange.broke_in,
        sentence: shown(&report.detail),
    }
}

async fn at_the_token_endpoint(fault: &Fault, theatre: &Theatre) -> Told {
    let (network, _origin, hanging) = network(fault, theatre).await;
    let account = Arc::new(Account {
        cloud: cloud(fault),
        ..fixtures::account("contoso")
    });
    let storage = fixtures::configuration(Vec::new()).storage;
    let tokens = Tokens::new(
        SimpleClient::new(&network).unwrap(),
        TokenStore::new(&storage, None),
        Clock::system(),
        Arc::new(SystemRandom::new()),
        Arc::new(IgnoreAccounts),
    );
    tokens.configure(&[Arc::clone(&account)]);
    let audience = Audience::graph(&account.cloud);
    let asking = async move {
        tokens
            .access_token(&account, &audience, &Story::untold())
            .await
    };
    match until_it_hangs(hanging, asking).await {
        Ok(_) => Told {
            outcome: Outcome::Success,
            reason: String::new(),
            phase: None,
            sentence: "a token came".to_owned(),
        },
        Err(problem) => Told {
            outcome: Verdict::Problem(problem.reason.of_a_probe()).outcome(),
            reason: problem.reason.as_str().to_owned(),
            phase: None,
            sentence: shown(&problem.detail),
        },
    }
}

fn row(fault: &Fault, resource: &Told, token: &Told) -> String {
    let verdict = |told: &Told| match &*told.reason {
        "" => told.outcome.as_str().to_owned(),
        reason => format!("{} `{reason}`", told.outcome.as_str()),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        fault.what,
        verdict(resource),
        resource.phase.map_or("–", Phase::as_str),
        resource.sentence,
        verdict(token),
        token.sentence,
    )
}

const HEAD: &str = "\
# What goes wrong on the wire

Each of these faults is made for real by a test, at a resource (a site, asked for through Graph) and at the token
endpoint, and this page is written from what came of it. `HOST` and `PROXY` stand for the names. The phase is
where the exchange broke; a dash means that there was a whole answer.

`failure` sets `m365_resource_up` to 0; `inconclusive` leaves it as it was. At the token endpoint a `failure` means that Entra
is not working for anyone here (`m365_account_problem`).

";

#[tokio::test(flavor = "current_thread")]
async fn each_fault_has_its_outcome() {
    let theatre = Theatre::new();
    let mut text = HEAD.to_owned();
    let mut number = 0;
    for layer in wire::layers().into_iter().chain(answers::layers()) {
        _ = write!(
            text,
            "## {}\n\n| fault | at a resource | phase | it says | at the token endpoint | it says |\n|---|---|---|---|---|---|\n",
            layer.title
        );
        for fault in &layer.faults {
            number += 1;
            let resource = at_a_resource(fault, &theatre).await;
            let token = at_the_token_endpoint(fault, &theatre).await;
            assert!(!resource.sentence.contains(TOKEN));
            text += &row(fault, &resource, &token);
        }
        text.push('\n');
    }
    assert!(number >= 60, "{number}");
    let text = text.trim_end().to_owned() + "\n";
    documents::is_current("docs/faults.md", &text);
}
