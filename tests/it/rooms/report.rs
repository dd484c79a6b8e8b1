//! `m365mon report` against a Prometheus that was filled with a month that was
//! made by hand: with restarts, missed scrapes, two exporters and two places. And
//! what it says where there is no record, or no way to it.

mod months;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::ops::Range;
use std::process::{Command, Output};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::support::stack::{Process, Prometheus, eventually, free_address};

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
    // 44559 of 44625. The mailbox: 1420 of 1440, too little for a figure.
    let availability = "month,account,kind,resource,location,minutes,up_minutes,down_minutes,unmonitored_minutes,availability_percent,commitment_percent,credit_percent,outages,view,covered_percent,planned_minutes,planned_down_minutes,availability_without_planned_percent,latency_p50_seconds,latency_p95_seconds\r\n\
        2024-10,contoso,exchange_mailbox,\"help, desk\",,44640,1420,20,43200,,99.9,,1,place,3.2258,0,0,,,\r\n\
        2024-10,contoso,sharepoint_site,intranet,,44640,44559,66,15,99.8521,99.9,25,3,all,99.9663,0,0,99.8521,,\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,44640,44559,66,15,99.8521,99.9,25,3,place,99.9663,0,0,99.8521,,\r\n\
        2024-10,contoso,sharepoint_site,intranet,fra,44640,1440,0,43200,,99.9,,0,place,3.2258,0,0,,,\r\n";
    let outages = "month,account,kind,resource,location,start,end,down_minutes,unmonitored_minutes,reason,view,planned_minutes\r\n\
        2024-10,contoso,exchange_mailbox,\"help, desk\",,2024-10-15T00:00:00Z,2024-10-15T00:20:00Z,20,0,unauthorized,place,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,,2024-10-03T08:00:00Z,2024-10-03T08:30:00Z,30,0,server_error,all,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,,2024-10-20T10:00:00Z,2024-10-20T10:30:00Z,26,4,connect,all,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,,2024-10-31T23:50:00Z,2024-11-01T00:00:00Z,10,0,dns,all,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-03T08:00:00Z,2024-10-03T08:30:00Z,30,0,server_error,place,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-20T10:00:00Z,2024-10-20T10:30:00Z,26,4,connect,place,0\r\n\
        2024-10,contoso,sharepoint_site,intranet,ams,2024-10-31T23:50:00Z,2024-11-01T00:00:00Z,10,0,dns,place,0\r\n";
    let totals = "month,of,name,resources,minutes,up_minutes,down_minutes,unmonitored_minutes,covered_percent,availability_percent,planned_minutes,planned_down_minutes,availability_without_planned_percent,outages,latency_p50_seconds,latency_p95_seconds\r\n\
        2024-10,all,,2,89280,45979,86,43215,51.5961,99.8133,0,0,99.8133,4,,\r\n\
        2024-10,kind,exchange_mailbox,1,44640,1420,20,43200,3.2258,,0,0,,1,,\r\n\
        2024-10,kind,sharepoint_site,1,44640,44559,66,15,99.9663,99.8521,0,0,99.8521,3,,\r\n\
        2024-10,account,contoso,2,89280,45979,86,43215,51.5961,99.8133,0,0,99.8133,4,,\r\n";
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
    let csv = |table| ["--month", "2024-10", "--format", "csv", "--table", table];
    assert_eq!(told(&csv("totals")), totals);
    let marked = told(&[&csv("outages")[..], &["--bom"]].concat());
    assert_eq!(marked.strip_prefix('\u{feff}'), Some(outages));
    let text = told(&["--month", "2024-10"]);
    assert!(
        text.contains("99.8521") && text.contains("server_error"),
        "{text}"
    );

    // A month of which nothing is known has its columns, and is no success.
    let empty = |format: &str| {
        report(&[
            "--prometheus.url",
            &url,
            "--month",
            "2024-08",
            "--format",
            format,
        ])
    };
    let output = empty("csv");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        std::str::from_utf8(&output.stdout).unwrap(),
        availability.split_inclusive('\n').next().unwrap()
    );
    for format in ["text", "json", "html"] {
        let output = empty(format);
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
        let said = String::from_utf8(output.stderr).unwrap();
        for word in [
            "2024-08-01T00:00:00Z",
            &url,
            "last_over_time(m365_resource_up[",
        ] {
            assert!(said.contains(word), "{said}");
        }
    }

    // The sample beside the documentation is what it would be.
    for (name, shown) in [
        ("availability", availability),
        ("outages", outages),
        ("totals", totals),
    ] {
        let file = crate::contract::queries::root().join(format!("examples/report/{name}.csv"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), shown, "{name}");
    }
}

#[test]
fn no_prometheus_is_an_error_and_no_month_is_wrong_usage() {
    let nobody = format!("http://{}", free_address());
    let output = report(&["--prometheus.url", &nobody, "--month", "2024-10"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    for (wrong, why) in [
        (&["--month", "2024-13"][..], "must be a month"),
        (&["--month", "2999-01"], "has not begun"),
        (&[], "--month"),
        (&["--to", "2024-10-02"], "--from"),
        (
            &["--month", "2024-10", "--from", "2024-10-02"],
            "cannot be used with",
        ),
        (
            &["--from", "2024-10-02", "--to", "2024-10-01"],
            "--to must be after --from",
        ),
        (&["--from", "2020-10-02"], "two years"),
        (&["--from", "tomorrow"], "must be a date"),
        (
            &["--month", "2024-10", "--timezone", "Europe/Atlantis"],
            "no time zone",
        ),
        (&["--month", "2024-10", "--rename", "intranet"], "OLD=NEW"),
        (&["--month", "2024-10", "--min-coverage", "101"], "0..=100"),
    ] {
        let output = report(&[&["--prometheus.url", &nobody], wrong].concat());
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{wrong:?}: {said}");
    }
}

/// The bcrypt hash of `PASSWORD`, at the least cost.
const HASH: &str = "$2b$04$eREwhh1KMaFvP8tt1YVmFONx68DjrIsozhPO8rC63AIc5aiDjdTBq";
const PASSWORD: &str = "not much of a secret";

#[test]
fn a_prometheus_behind_tls_and_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let authority = file("ca.pem", &authority.pem());
    file("cert.pem", &leaf.pem());
    file("key.pem", &key.serialize_pem());
    let web = file(
        "web.yml",
        &format!(
            "tls_server_config: {{cert_file: cert.pem, key_file: key.pem}}\nbasic_auth_users: {{reporter: '{HASH}'}}\n"
        ),
    );
    let address = free_address();
    let mut command = Command::new("prometheus");
    command
        .arg(format!("--config.file={}", file("prometheus.yml", "")))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .arg(format!("--web.config.file={web}"));
    let _prometheus = Process::start("prometheus", &mut command);

    let url = format!("https://{address}/");
    let right = file("right.txt", &format!("{PASSWORD}\n"));
    let wrong = file("wrong.txt", "canary\n");
    let ask = |more: &[&str]| {
        let first = [
            "--prometheus.url",
            &url,
            "--month",
            "2024-10",
            "--format",
            "csv",
        ];
        report(&[&first, more].concat())
    };
    let trusting = ["--prometheus.ca-file", &authority];
    let named = |password: &'_ str| {
        ask(&[
            &trusting[..],
            &[
                "--prometheus.username",
                "reporter",
                "--prometheus.password-file",
                password,
            ],
        ]
        .concat())
    };
    // Nothing is recorded there; the columns are there all the same.
    let output = eventually("Prometheus lets the reporter in", || {
        Some(named(&right)).filter(|output| !output.stdout.is_empty())
    });
    assert!(output.stdout.starts_with(b"month,account,"), "{output:?}");
    for refused in [ask(&trusting), named(&wrong)] {
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("401") && !said.contains("canary"), "{said}");
    }
    let strange = ask(&[]);
    assert_eq!(
        strange.status.code(),
        Some(1),
        "an authority that nobody trusts: {strange:?}"
    );
}

#[test]
fn a_bearer_token_is_sent_and_wrong_usage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token.txt");
    std::fs::write(&token, "abc.def\n").unwrap();
    let token = token.to_str().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tenant/x", listener.local_addr().unwrap());
    let heads = std::thread::spawn(move || {
        let mut heads = Vec::new();
        // A sample on the first of October, of everything that is asked.
        let one = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"resource":"a"},"values":[[1727740859.999,"1"]]}]}}"#;
        // Four queries for each day of the month.
        for stream in listener.incoming().take(4 * 31).map_while(Result::ok) {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            heads.push(
                lines
                    .take_while(|line| !line.is_empty())
                    .collect::<Vec<_>>(),
            );
            write!(
                &stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{one}",
                one.len()
            )
            .unwrap();
        }
        heads
    });
    let with_token = |url: &str, more: &[&str]| {
        let first = [
            "--prometheus.url",
            url,
            "--month",
            "2024-10",
            "--prometheus.bearer-token-file",
        ];
        report(&[&first, more].concat())
    };
    let output = with_token(&url, &[token]);
    assert!(output.status.success(), "{output:?}");
    for head in heads.join().unwrap() {
        assert!(
            head[0].starts_with("GET /tenant/x/api/v1/query_range?"),
            "{head:?}"
        );
        assert!(
            head.contains(&"authorization: Bearer abc.def".to_owned()),
            "{head:?}"
        );
    }

    let nobody = "https://prometheus.example/";
    for (usage, output) in [
        (
            "plain http",
            with_token("http://prometheus.example/", &[token]),
        ),
        ("no such file", with_token(nobody, &["/nonexistent"])),
        (
            "two ways",
            with_token(
                nobody,
                &[
                    token,
                    "--prometheus.username",
                    "a",
                    "--prometheus.password-file",
                    token,
                ],
            ),
        ),
        (
            "a name alone",
            report(&["--month", "2024-10", "--prometheus.username", "a"]),
        ),
        (
            "in the URL",
            report(&[
                "--month",
                "2024-10",
                "--prometheus.url",
                "https://a:canary@prometheus.example/",
            ]),
        ),
    ] {
        assert_eq!(output.status.code(), Some(3), "{usage}: {output:?}");
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("canary"),
            "{usage}: {output:?}"
        );
    }
}
