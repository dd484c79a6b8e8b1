//! `m365mon simulate`: the simulated tenant alone.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use super::logging::{self, LogFormat, LogLevel};
use super::{EXIT_FAILED, EXIT_USAGE, output};
use crate::files::{FileForm, WantedForm, decode, pem, read, read_text, shown};
use crate::model::duration;
use crate::setup::shell;
use m365mon_simulator::directory::{DOMAIN, Size};
use m365mon_simulator::scenario::Scenario;
use m365mon_simulator::{self as simulator, Options, Running, files};

/// What a scenario and a chain of certificates never come near.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Entra, Graph and SharePoint of a tenant that does not exist, over TLS.
#[derive(Debug, clap::Args)]
pub(crate) struct Simulate {
    /// Where the simulated cloud listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8445")]
    listen: SocketAddr,
    /// Where the CONNECT proxy listens, for clients that take HTTPS_PROXY
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    proxy_listen: SocketAddr,
    /// Where the control endpoint listens; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    control_listen: SocketAddr,
    /// Where the metadata service of managed identities listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    metadata_listen: SocketAddr,
    /// The folder for ca.pem, m365mon.yml and its secrets; made if missing
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// What happens to the tenant, as a YAML file
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// How many times as fast it happens
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Repeats ids, secrets and jitter of another run
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Sites to make up beyond the usual ones
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    sites: usize,
    /// Mailboxes to make up beyond the usual ones
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    mailboxes: usize,
    /// Organizations to make up, which the made-up sites and mailboxes are dealt out to
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    accounts: usize,
    /// Resources of each of the other kinds to make up, dealt out as well
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    kinds: usize,
    /// A certificate for every host, and the authority's after it, as PEM; made at the start without
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// How often the written configuration probes
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = interval)]
    interval: Duration,
}

pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(speed),
        _ => Err("want a number above 0".into()),
    }
}

pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|time| *time >= Duration::from_secs(1))
        .ok_or_else(|| "it must be a time of at least 1s, like 10s or 1m30s".into())
}

/// The scenario in a file, for `demo` as well.
pub(crate) fn read_scenario(file: &Path) -> anyhow::Result<Scenario> {
    let text = read_text(file, MOST_BYTES)?;
    Scenario::parse(&text).with_context(|| shown(file))
}

/// The text of a file that holds a certificate or a key in PEM.
fn read_pem(file: &Path, wanted: WantedForm) -> anyhow::Result<String> {
    let bytes = read(file, MOST_BYTES)?;
    let text = decode(&bytes).unwrap_or_default();
    let fits = |label: &str| match wanted {
        WantedForm::Key => label.ends_with("PRIVATE KEY"),
        _ => label == "CERTIFICATE",
    };
    if !pem::sections(&text).iter().any(|one| fits(&one.label)) {
        let advice = FileForm::of(&bytes).advice(wanted, file);
        anyhow::bail!("{} {advice}", shown(file));
    }
    Ok(text.to_string())
}

impl Simulate {
    /// Runs until SIGINT or SIGTERM.
    pub(crate) fn run(self) -> ExitCode {
        logging::start(LogLevel::Info, LogFormat::Logfmt);
        // What the command line names is read before anything begins.
        let named = match self.named() {
            Ok(named) => named,
            Err(error) => {
                output::complain(&format!("{error:#}"));
                return ExitCode::from(EXIT_USAGE);
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        let done = runtime
            .context("cannot start")
            .and_then(|runtime| runtime.block_on(self.serve(named)));
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output::complain(&format!("{error:#}"));
                ExitCode::from(EXIT_FAILED)
            }
        }
    }

    fn named(&self) -> anyhow::Result<NamedFiles> {
        let scenario = self.scenario.as_deref().map(read_scenario).transpose()?;
        let read = |file: &Option<PathBuf>, wanted| {
            let file = file.as_deref();
            file.map(|file| read_pem(file, wanted)).transpose()
        };
        let certificate = read(&self.tls_certificate, WantedForm::Certificate)?;
        let key = read(&self.tls_key, WantedForm::Key)?;
        Ok(NamedFiles {
            scenario,
            certificate: certificate.zip(key),
        })
    }

    async fn serve(self, named: NamedFiles) -> anyhow::Result<()> {
        let NamedFiles {
            scenario,
            certificate,
        } = named;
        // Before anything can be printed: who reads the output may send it at once.
        let stopped = signal().context("cannot listen for signals")?;
        std::fs::create_dir_all(&self.dir)
            .with_context(|| format!("cannot make {}", self.dir.display()))?;
        let size = Size {
            sites: self.sites,
            mailboxes: self.mailboxes,
            accounts: self.accounts,
            kinds: self.kinds,
        };
        // The scenario begins when the folder is complete: it may write there.
        let running = simulator::start(Options {
            listen: self.listen,
            proxy_listen: self.proxy_listen,
            control_listen: self.control_listen,
            metadata_listen: self.metadata_listen,
            authority_dir: Some(self.dir.clone()),
            certificate,
            size,
            seed: self.seed,
            ..Options::default()
        })
        .await?;
        files::write(&running, &self.dir, size, self.interval)
            .with_context(|| format!("cannot write into {}", self.dir.display()))?;
        self.tell(&running);
        let story = async {
            if let Some(scenario) = scenario {
                scenario.run(running.tenant.clone(), self.speed).await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stopped => {}
            () = story => {}
        }
        running.shutdown().await;
        Ok(())
    }

    fn tell(&self, running: &Running) {
        let mut text = String::new();
        let mut line = |what: &str, where_to: String| {
            // Writing into a String does not fail.
            _ = writeln!(text, "{what:<18}{where_to}");
        };
        line("simulated tenant", format!("https://{}", running.addr));
        line("CONNECT proxy", format!("http://{}", running.proxy_addr));
        line(
            "control endpoint",
            format!("http://{}", running.control_addr),
        );
        line(
            "metadata service",
            format!("http://{}", running.metadata_addr),
        );
        let file = self.dir.join(files::CONFIGURATION_FILE);
        line("configuration", file.display().to_string());
        let steve = format!("steve@{DOMAIN}");
        if let Some(user) = running.tenant.directory.read().user(&steve) {
            let password = user.password.expose();
            line("person", format!("{steve}, whose password is {password}"));
        }
        text.push_str(&next_steps(
            &shell(&file.to_string_lossy()),
            &steve,
            running,
        ));
        output::say(&text);
    }
}

/// What the command line names, read.
struct NamedFiles {
    scenario: Option<Scenario>,
    /// With its key.
    certificate: Option<(String, String)>,
}

/// What somebody does with it who sees it for the first time.
fn next_steps(file: &str, steve: &str, running: &Running) -> String {
    let (control, proxy) = (running.control_addr, running.proxy_addr);
    format!(
        "\nNext, in another terminal (more in docs/simulate.md):\n  \
         m365mon probe --all --config.file {file}\n  \
         m365mon serve --config.file {file}   # and look at http://localhost:10365/\n  \
         curl http://{control}/   # what can be ordered: faults, time, rights\n\
         To sign the person in, in a browser that finds this tenant and no other:\n  \
         m365mon login contoso-steve --config.file {file}\n  \
         chromium --user-data-dir=$(mktemp -d) --proxy-server=http://{proxy} \
         --ignore-certificate-errors   # and open the address that login prints\n\
         Without a browser:\n  \
         m365mon login contoso-steve --device-code --config.file {file}\n  \
         curl -d '{{\"user\": \"{steve}\"}}' http://{control}/devices   # meanwhile\n"
    )
}

/// Completes at the first SIGINT or SIGTERM after this call.
fn signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
