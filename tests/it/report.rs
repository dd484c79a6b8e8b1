//! `m365mon report` against a Prometheus that was filled with a month that was
//! made by hand: with restarts, missed scrapes, two exporters and two places.

use std::fmt::Write as _;
use std::ops::Range;
use std::process::{Command, Output};

use crate::stack::Prometheus;

/// 2024-10-01T00:00:00Z.
const MONTH: usize = 1_727_740_800;

/// Minutes of a day of the month, from hour and minute.
fn minute(day: usize, hour: usize, minute: usize) -> usize {
    (day - 1) * 1440 + hour * 60 + minute
}

struct Record {
    up: String,
    problem: String,
}

impl Record {
    /// One sample a minute, at this second of it.
    fn add(&mut self, labels: &str, second: usize, minutes: Range<usize>, reason: Option<&str>) {
        for at in minutes {
            let (up, time) = (u8::from(reason.is_none()), MONTH + at * 60 + second);
            writeln!(self.up, "m365_resource_up{{{labels}}} {up} {time}").unwrap();
            if let Some(reason) = reason {
                writeln!(
                    self.problem,
                    "m365_resource_problem{{{labels},outcome=\"failure\",reason=\"{reason}\"}} 1 {time}"
                )
                .unwrap();
            }
        }
    }
}

/// The month, as OpenMetrics.
fn month() -> String {
    let mut record = Record {
        up: String::new(),
        problem: String::new(),
    };
    let labels = |instance: &str, kind: &str, resource: &str, place: &str| {
        format!(
            "job=\"m365mon\",instance=\"{instance}\",account=\"contoso\",kind=\"{kind}\",resource=\"{resource}\",location=\"{place}\""
        )
    };
    let site = labels("a:10365", "sharepoint_site", "intranet", "ams");
    // What happened, in order; in between it was up. None: no sample.
    let events = [
        (minute(3, 8, 0)..minute(3, 8, 1), Some("timeout")),
        (minute(3, 8, 1)..minute(3, 8, 30), Some("server_error")),
        // A restart, the second half of which the other exporter saw.
        (minute(10, 12, 0)..minute(10, 12, 20), None),
        // An outage with a restart in it.
        (minute(20, 10, 0)..minute(20, 10, 10), Some("connect")),
        (minute(20, 10, 10)..minute(20, 10, 14), None),
        (minute(20, 10, 14)..minute(20, 10, 30), Some("connect")),
        // One scrape was missed.
        (minute(25, 0, 0)..minute(25, 0, 1), None),
        // Down when the month ends.
        (minute(31, 23, 50)..minute(32, 0, 0), Some("dns")),
    ];
    let mut next = 0;
    for (when, what) in events {
        record.add(&site, 7, next..when.start, None);
        if what.is_some() {
            record.add(&site, 7, when.clone(), what);
        }
        next = when.end;
    }
    let other = labels("b:10365", "sharepoint_site", "intranet", "ams");
    record.add(&other, 59, minute(10, 12, 10)..minute(10, 12, 20), None);
    // A day from another place, a sample at the very beginning of each minute.
    let day = minute(15, 0, 0)..minute(16, 0, 0);
    let far = labels("c:10365", "sharepoint_site", "intranet", "fra");
    record.add(&far, 0, day.clone(), None);
    let mailbox = labels("a:10365", "exchange_mailbox", "help, desk", "");
    let bad = day.start..day.start + 20;
    record.add(&mailbox, 30, bad.clone(), Some("unauthorized"));
    record.add(&mailbox, 30, bad.end..day.end, None);
    format!(
        "# TYPE m365_resource_up gauge\n{}# TYPE m365_resource_problem gauge\n{}# EOF\n",
        record.up, record.problem
    )
}

fn report(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_m365mon"))
        .arg("report")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_known_month_is_reported_to_the_minute() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("month.txt"), folder.path().join("data"));
    std::fs::write(&file, month()).unwrap();
    let filled = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "--max-block-duration=800h"])
        .args(["openmetrics".as_ref(), file.as_os_str(), data.as_os_str()])
        .output()
        .unwrap();
    assert!(filled.status.success(), "{filled:?}");
    let prometheus = Prometheus::start_with(
        folder.path(),
        "scrape_configs: []\n",
        &["--storage.tsdb.retention.time=100y"],
    );
    let url = format!("http://{}", prometheus.address());
    let told = |arguments: &[&str]| {
        let output = report(&[&["--prometheus.url", &url], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    // By hand: October has 44640 minutes. Down 30 + 26 + 10, unknown 10 + 4 + 1;
    // 44559 of 44625. The mailbox: 1420 of 1440.
    let availability = "month,account,kind,resource,location,minutes,up_minutes,down_minutes,unmonitored_minutes,availability_percent,commitment_percent,credit_percent,outages\r\n\
        2024-10,contoso,exchange_mailbox,\"help, desk\",,44640,1420,20,43200,98.6111,99.9,50,1\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,44640,44559,66,15,99.8521,99.9,25,3\r\n\
        2024-10,contoso,sharepoint_site,intranet,fra,44640,1440,0,43200,100.0000,99.9,0,0\r\n";
    let outages = "month,account,kind,resource,location,start,end,down_minutes,unmonitored_minutes,reason\r\n\
        2024-10,contoso,exchange_mailbox,\"help, desk\",,2024-10-15T00:00:00Z,2024-10-15T00:20:00Z,20,0,unauthorized\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-03T08:00:00Z,2024-10-03T08:30:00Z,30,0,server_error\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-20T10:00:00Z,2024-10-20T10:30:00Z,26,4,connect\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-31T23:50:00Z,2024-11-01T00:00:00Z,10,0,dns\r\n";
    assert_eq!(
        told(&["--month", "2024-10", "--format", "csv"]),
        availability
    );
    assert_eq!(
        told(&[
            "--month", "2024-10", "--format", "csv", "--table", "outages"
        ]),
        outages
    );
    let json: serde_json::Value =
        serde_json::from_str(&told(&["--month", "2024-10", "--format", "json"])).unwrap();
    assert_eq!(json["availability"][1]["availability_percent"], 99.8521);
    assert_eq!(json["availability"][2]["credit_percent"], 0);
    assert_eq!(json["outages"][2]["down_minutes"], 26);
    let text = told(&["--month", "2024-10"]);
    assert!(
        text.contains("99.8521") && text.contains("server_error"),
        "{text}"
    );

    // A month of which nothing is known has its columns.
    let empty = told(&["--month", "2024-08", "--format", "csv"]);
    assert_eq!(Some(&*empty), availability.split_inclusive('\n').next());

    // The sample beside the documentation is what it would be.
    for (name, shown) in [("availability", availability), ("outages", outages)] {
        let file = crate::queries::root().join(format!("examples/report/{name}.csv"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), shown, "{name}");
    }
}

#[test]
fn no_prometheus_is_an_error_and_no_month_is_wrong_usage() {
    let nobody = format!("http://{}", crate::stack::free_address());
    let output = report(&["--prometheus.url", &nobody, "--month", "2024-10"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    for month in ["2024-13", "2999-01"] {
        let output = report(&["--prometheus.url", &nobody, "--month", month]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    }
}
