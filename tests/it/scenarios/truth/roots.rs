//! Certificates, as the program itself judges them.

use std::process::Command;

use crate::support::origin::{Ca, H2, Origin, json};
use crate::support::schema::Schema;

/// The old root, the one that took its place under the same name, and one that
/// has the name and is not trusted.
const HOSTS: [&str; 3] = ["old.contoso.com", "new.contoso.com", "stranger.contoso.com"];

/// What either of two trusted roots of one name signed is good, whichever comes
/// first in `ca_file`, and a third of that name is a stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_trusted_roots_of_one_name() {
    let schema = Schema::of("probe");
    let roots = HOSTS.map(|_| Ca::named("twins"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("m365mon.yml");
    let (mut origins, mut resolve, mut resources) = (Vec::new(), String::new(), String::new());
    for (ca, host) in roots.iter().zip(HOSTS) {
        let origin = Origin::answering(ca.tls_for(&[host], H2), |_, _| json(200, "{}")).await;
        resolve += &format!("    {host}: \"{}\"\n", origin.address);
        resources +=
            &format!("  - {{name: {host}, kind: http_endpoint, url: \"https://{host}/\"}}\n");
        origins.push(origin);
    }
    let text = format!("http:\n  ca_file: roots.pem\n  resolve:\n{resolve}resources:\n{resources}");
    std::fs::write(&file, text).unwrap();
    let pem = |number: usize| std::fs::read_to_string(roots[number].file.path()).unwrap();
    for order in [[0, 1], [1, 0]] {
        std::fs::write(folder.path().join("roots.pem"), order.map(pem).concat()).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .args(["probe", "--all", "--format", "json", "--config.file"])
            .arg(&file)
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(!told.contains("BadSignature"), "{told}");
        let told = schema.read(&told);
        let reasons = HOSTS.map(|host| {
            let mut probes = told["probes"].as_array().unwrap().iter();
            let probe = probes.find(|probe| probe["resource"] == host).unwrap();
            (
                probe["outcome"].as_str().unwrap(),
                probe["detail"].as_str().unwrap(),
            )
        });
        let [old, new, (outcome, detail)] = reasons;
        assert_eq!(
            [old.0, new.0, outcome],
            ["success", "success", "failure"],
            "{told:#}"
        );
        assert!(detail.contains("signed by nobody we trust"), "{detail}");
    }
}
