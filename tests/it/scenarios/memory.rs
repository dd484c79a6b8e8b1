//! What is left in the exporter's memory of what it had for a moment: read as
//! root, for nobody else may.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};

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
