//! Three replicas with `--shard` share the resources: each has one home.

use std::collections::BTreeMap;

use crate::prometheus::{address_after, pair};
use crate::stack::{Process, get};

#[test]
fn three_shards_show_every_resource_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let whole = pair(folder.path(), &[], |_| {});
    let names = |page: &str| -> Vec<String> {
        page.lines()
            .filter(|line| line.starts_with("m365_resource_interval_seconds{"))
            .filter_map(|line| {
                Some(
                    line.split_once("resource=\"")?
                        .1
                        .split_once('"')?
                        .0
                        .to_owned(),
                )
            })
            .collect()
    };
    let all = names(&get(whole.address, "/metrics"));
    assert!(all.len() > 10, "{all:?}");

    let config = folder.path().join("tenant/m365mon.yml");
    let mut seen = BTreeMap::<String, u32>::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let replica = Process::m365mon(&[
            "serve",
            "--web.listen-address=127.0.0.1:0",
            "--shard",
            shard,
            "--config.file",
            config.to_str().unwrap(),
        ]);
        let address = replica.wait_for("listening", |text| address_after(text, "listening addr="));
        for name in names(&get(address, "/metrics")) {
            *seen.entry(name).or_default() += 1;
        }
    }
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");
    assert_eq!(seen.len(), all.len());
}
