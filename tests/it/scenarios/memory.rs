//! What is left in the exporter's memory of what it had for a moment: read as
//! root, for nobody else may.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

use crate::support::stack::{Process, eventually, get};
use crate::support::tenant::simulate;

/// How often each text stands in the memory that a process may write.
fn count(process: u32, texts: &[&str]) -> std::io::Result<Vec<usize>> {
    let mut memory = File::open(format!("/proc/{process}/mem"))?;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut counts = vec![0; texts.len()];
    for line in maps.lines() {
        let mut words = line.split(' ');
        let (Some(range), Some(rights)) = (words.next(), words.next()) else {
            continue;
        };
        let Some((begin, end)) = range.split_once('-') else {
            continue;
        };
        if !rights.starts_with("rw") {
            continue;
        }
        let [begin, end] = [begin, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        memory.seek(SeekFrom::Start(begin))?;
        let mut held = Vec::new();
        // What is given back meanwhile cannot be read any more.
        _ = (&mut memory).take(end - begin).read_to_end(&mut held);
        for (count, text) in counts.iter_mut().zip(texts) {
            *count += held
                .windows(text.len())
                .filter(|window| *window == text.as_bytes())
                .count();
        }
    }
    Ok(counts)
}

#[test]
fn what_is_freed_is_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let plenty = [
        "--interval=5s",
        "--accounts=10",
        "--sites=50",
        "--mailboxes=0",
    ];
    let (_tenant, _) = simulate(folder.path(), &plenty);
    let (exporter, address) = Process::serve(&folder.path().join("tenant/m365mon.yml"), &[]);
    eventually("every account has its token, every site was probed", || {
        let page = get(address, "/metrics");
        let all = |metric: &str| {
            page.lines()
                .filter(|line| line.starts_with(metric) && line.ends_with(" 1"))
                .count()
        };
        (all("m365_account_up{") >= 10 && all("m365_resource_up{") >= 50).then_some(())
    });
    // The answer of the token endpoint and the form that asked for it: both went through
    // buffers of TLS and HTTP. No token is asked for now, so that none may be found.
    let texts = ["\"access_token\":\"eyJ", "&client_secret="];
    match count(exporter.id(), &texts) {
        // Not dumpable: nobody but root reads it.
        Err(error) => assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}"),
        Ok(found) => assert_eq!(found, [0, 0]),
    }
}

/// No core file, and nobody of the same user looks into the process: as root, whom
/// nothing is closed to, both run as somebody else.
#[test]
fn no_core_dump_and_nothing_for_the_same_user() {
    const CANARY: &str = "canary-19";
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let is_root = chown(folder.path(), Some(0), Some(0)).is_ok();
    let as_somebody = |program: &str| {
        if !is_root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        let words = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
        command.args(words).arg(program).current_dir("/");
        command
    };
    let program = folder.path().join("m365mon");
    std::fs::copy(env!("CARGO_BIN_EXE_m365mon"), &program).unwrap();
    let file = folder.path().join("m365mon.yml");
    let text = "accounts: [{name: contoso, tenant: contoso.onmicrosoft.com, \
        client_id: 11111111-2222-3333-4444-555555555555, client_secret: {secret_env: SECRET}}]\n";
    std::fs::write(&file, text).unwrap();
    let mut command = as_somebody(program.to_str().unwrap());
    command
        .args(["serve", "--web.listen-address=127.0.0.1:0", "--config.file"])
        .arg(&file)
        .env("SECRET", CANARY)
        .env_remove("M365MON_WEB_OPERATOR_FILE");
    let exporter = Process::start("m365mon", &mut command);
    exporter.listening();
    let id = exporter.id();
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file"));
    let core: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{limits}");
    // The same user reads its own processes, and not this one.
    let read = |id: &str, what: &str| {
        let path = format!("/proc/{id}/{what}");
        as_somebody("cat").arg(path).output().unwrap()
    };
    assert!(read("self", "environ").status.success());
    for what in ["environ", "mem", "maps"] {
        let read = read(&id.to_string(), what);
        assert!(!read.status.success(), "{what}");
        let text = String::from_utf8_lossy(&read.stdout);
        assert!(!text.contains(CANARY), "{what}");
    }
}
