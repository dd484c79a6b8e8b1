//! A real Prometheus scrapes by TLS with a name and a password.

use super::{HASH, PASSWORD, Serving, TLS, folder_with_tls};
use crate::support::stack::{Prometheus, eventually};

#[test]
fn prometheus_comes_in_by_tls_with_a_password() {
    let (folder, authority) = folder_with_tls();
    let web = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n\
         basic_auth_users:\n  prometheus: {HASH}\n"
    );
    authority.sign(folder.path(), "client", Vec::new());
    let serving = Serving::start(folder, &web, &[]);
    let prometheus_folder = tempfile::tempdir().unwrap();
    let job = |name: &str, password: &str| {
        let at = |file: &str| serving.path(file).display().to_string();
        format!(
            "- job_name: {name}\n\
             \x20 scheme: https\n\
             \x20 tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}\n\
             \x20 basic_auth: {{username: prometheus, password: {password}}}\n\
             \x20 static_configs: [{{targets: ['{}']}}]\n",
            at("ca.pem"),
            at("client.crt"),
            at("client.key"),
            serving.address,
        )
    };
    let prometheus = Prometheus::start(
        prometheus_folder.path(),
        &format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n{}{}",
            job("right", PASSWORD),
            job("wrong", "wrong"),
        ),
    );
    prometheus.wait_for("up{job='right'}", |up| up == 1.0);
    prometheus.wait_for("up{job='wrong'}", |up| up == 0.0);
    prometheus.wait_for("m365mon_probes_in_flight{job='right'}", |_| true);

    // A new certificate of the server, and no scrape is lost.
    let start_of_rotation = serving.process.output().len();
    authority.sign_server(serving.folder.path());
    eventually("the rotation is noticed", || {
        serving.process.output()[start_of_rotation..]
            .contains("web configuration reloaded")
            .then_some(())
    });
    let scraped = "count_over_time(up{job='right'}[10m])";
    let before = prometheus.wait_for(scraped, |_| true);
    prometheus.wait_for(scraped, |count| count >= before + 5.0);
    prometheus.wait_for("min_over_time(up{job='right'}[10m])", |least| least == 1.0);
}
