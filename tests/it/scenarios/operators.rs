//! Who becomes an operator, and who does not, through the real binary: links,
//! proxies, forwarders, other users, other processes on the same port.

mod terminal;
mod volume;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::operator::{HEADER, KEY, key_file};
use crate::support::stack::{Process, eventually, free_address, http};

const NOBODY: (&str, &str) = (HEADER, "none");
/// What only an operator sees, on `/config` and on the account's page.
const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

/// A running exporter in a folder of its own.
struct Exporter {
    process: Process,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Exporter {
    /// With a key of its own, as by default.
    fn start(flags: &[&str]) -> Self {
        Self::with_key(None, flags)
    }

    fn with_key(key: Option<&Path>, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("m365mon.yml"),
            format!(
                "accounts:\n\
                 \x20 - {{name: steve, tenant: contoso.onmicrosoft.com, client_id: {CLIENT_ID}, \
                 delegated: {{username: steve@contoso.com}}}}\n\
                 resources:\n\
                 \x20 - {{name: mail, account: steve, kind: exchange_mailbox, mode: on_probe}}\n"
            ),
        )
        .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_m365mon"));
        command
            .current_dir(folder.path())
            .env_remove("STATE_DIRECTORY")
            .env_remove("XDG_RUNTIME_DIR")
            .args(["serve", "--config.file", "m365mon.yml"])
            .args(["--web.listen-address", "127.0.0.1:0", "--log.level=trace"])
            .args(flags);
        match key {
            Some(path) => command.env("M365MON_WEB_OPERATOR_FILE", path),
            None => command.env_remove("M365MON_WEB_OPERATOR_FILE"),
        };
        let process = Process::start("m365mon", &mut command);
        let address = process.listening();
        process.wait_for("ready", |log| log.contains("msg=ready").then_some(()));
        Self {
            process,
            address,
            folder,
        }
    }

    fn key_path(&self) -> PathBuf {
        self.folder.path().join("operator")
    }

    /// `m365mon open` beside it.
    fn open(&self, more: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .current_dir(self.folder.path())
            .args(["open", "--config.file", "m365mon.yml"])
            .args(["--web.listen-address", &self.address.to_string()])
            .args(more)
            .env_remove("STATE_DIRECTORY")
            .env_remove("XDG_RUNTIME_DIR")
            .output()
            .unwrap()
    }

    /// What stands behind the `#` of a new link.
    fn link(&self) -> String {
        let output = self.open(&[]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let base = format!("http://localhost:{}/operator#", self.address.port());
        let link = text.trim().strip_prefix(&base);
        link.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
        get(self.address, path, headers)
    }
}

fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let headers = [&[NOBODY], headers].concat();
    http(address, "GET", path, &headers, "").unwrap()
}

/// Presses the button: status and the cookie, if there is one.
fn exchange(address: SocketAddr, link: &str, more: &[(&str, &str)]) -> (u16, Option<String>) {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let headers = [&[NOBODY, form], more].concat();
    let body = format!("link={link}");
    let (status, head, _) = http(address, "POST", "/operator", &headers, &body).unwrap();
    let cookie = head
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "));
    (status, cookie.map(ToOwned::to_owned))
}

fn pair(set_cookie: &str) -> &str {
    set_cookie.split(';').next().unwrap()
}

/// Everybody reads states; nobody in particular reads people or acts.
fn is_everyone(address: SocketAddr) {
    let (status, _, page) = get(address, "/accounts/steve", &[]);
    assert_eq!(status, 200, "{page}");
    assert!(
        !page.contains(CLIENT_ID) && !page.contains("steve@contoso.com"),
        "{page}"
    );
    assert_eq!(get(address, "/config", &[]).0, 403);
    // At most to the name where an operator's cookie would be.
    let (status, _, page) = get(address, "/accounts/steve/sign-in", &[]);
    assert!(matches!(status, 303 | 403), "{status}");
    assert!(!page.contains("steve@contoso.com"), "{page}");
    assert_eq!(get(address, "/probe?resource=mail&debug=true", &[]).0, 403);
    for path in ["/-/reload", "/accounts/steve/sign-out"] {
        let status = http(address, "POST", path, &[NOBODY], "").unwrap().0;
        assert_eq!(status, 403, "{path}");
    }
    assert_eq!(get(address, "/metrics", &[]).0, 200);
}

#[test]
fn a_link_from_the_key_to_the_cookie() {
    let mut exporter = Exporter::start(&["--web.enable-lifecycle"]);
    is_everyone(exporter.address);
    let key = std::fs::read_to_string(exporter.key_path()).unwrap();
    let mode = std::fs::metadata(exporter.key_path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let link = exporter.link();
    // Mail scanners and previews open it, with what they are given of it.
    for path in [
        "/operator".to_owned(),
        format!("/operator?{link}"),
        format!("/operator?link={link}"),
    ] {
        for _ in 0..3 {
            let (status, head, page) = exporter.get(&path, &[]);
            assert_eq!(status, 200);
            assert_eq!(page.matches("<button").count(), 1, "{page}");
            assert!(head.contains("cache-control: no-store"), "{head}");
            assert!(head.contains("referrer-policy: no-referrer"), "{head}");
            assert!(!head.contains("set-cookie"), "{head}");
        }
    }
    let refused = [
        [("Origin", "https://evil.example")],
        [("Sec-Fetch-Site", "cross-site")],
    ];
    for headers in refused {
        assert_eq!(exchange(exporter.address, &link, &headers), (403, None));
    }
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let rebound = [NOBODY, form, ("Host", "evil.example")];
    let body = format!("link={link}");
    // A second Host header: the request asks for no name that is ours.
    let status = http(exporter.address, "POST", "/operator", &rebound, &body)
        .unwrap()
        .0;
    assert!(matches!(status, 400 | 421), "{status}");

    let origin = format!("http://{}", exporter.address);
    let (status, cookie) = exchange(exporter.address, &link, &[("Origin", &origin)]);
    let cookie = cookie.unwrap();
    assert_eq!(status, 303);
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=43200; HttpOnly; SameSite=Lax");
    let name = format!("m365mon-operator-{}=", exporter.address.port());
    assert!(pair.starts_with(&name), "{pair}");
    assert_eq!(exchange(exporter.address, &link, &[]), (403, None), "once");
    let with = [("Cookie", pair)];
    for path in ["/config", "/accounts/steve"] {
        let (status, _, page) = exporter.get(path, &with);
        assert_eq!(status, 200);
        assert!(page.contains(CLIENT_ID), "{path}: {page}");
    }
    let reload = |headers: &[(&str, &str)]| {
        let headers = [&[NOBODY], headers].concat();
        http(exporter.address, "POST", "/-/reload", &headers, "")
            .unwrap()
            .0
    };
    assert_eq!(reload(&with), 200);
    assert_eq!(reload(&[with[0], ("Origin", "https://evil.example")]), 403);
    let script = [(HEADER, key.trim())];
    let answer = http(exporter.address, "POST", "/-/reload", &script, "").unwrap();
    assert_eq!(answer.0, 200);

    // Neither the key nor the link nor the cookie is where others read.
    let arguments = std::fs::read(format!("/proc/{}/cmdline", exporter.process.id())).unwrap();
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    let log = exporter.process.output();
    assert!(log.contains("by=operator"), "{log}");
    // Everything is logged, and nothing of it is a secret.
    assert!(log.contains("level=trace"), "{log}");
    let value = pair.split_once('=').unwrap().1;
    for (what, canary) in [("key", key.trim()), ("link", &*link), ("cookie", value)] {
        assert!(!log.contains(canary), "the {what} is in the log");
        assert!(
            !arguments.contains(canary),
            "the {what} is among the arguments"
        );
    }
    exporter.process.signal("TERM");
    assert_eq!(exporter.process.exit_code(), 0);
    assert!(!exporter.key_path().exists(), "removed at the end");
    let output = exporter.open(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
}

/// nginx as Debian has it, with a `proxy_pass` and nothing else.
#[test]
fn behind_nginx_with_its_defaults() {
    let exporter = Exporter::start(&["--web.enable-lifecycle"]);
    let (front, folder) = (free_address(), tempfile::tempdir().unwrap());
    let logs = folder.path().display();
    let configuration = format!(
        "daemon off; pid {logs}/pid; error_log {logs}/error.log;\n\
         events {{}}\n\
         http {{\n\
         access_log {logs}/access.log;\n\
         client_body_temp_path {logs}/a; proxy_temp_path {logs}/b; fastcgi_temp_path {logs}/c;\n\
         uwsgi_temp_path {logs}/d; scgi_temp_path {logs}/e;\n\
         server {{ listen {front}; location / {{ proxy_pass http://{}; }} }}\n\
         }}\n",
        exporter.address
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration).unwrap();
    let nginx = ["/usr/sbin/nginx", "nginx"];
    let nginx = nginx
        .iter()
        .find(|path| Path::new(path).exists())
        .unwrap_or(&"nginx");
    let _proxy = Process::start(
        "nginx",
        Command::new(nginx)
            .arg("-e")
            .arg("stderr")
            .arg("-c")
            .arg(&file),
    );
    eventually("nginx answers", || {
        http(front, "GET", "/-/ready", &[NOBODY], "")
    });
    is_everyone(front);
    // A link goes through it all the same, and stays out of its log.
    let link = exporter.link();
    assert_eq!(get(front, "/operator", &[]).0, 200);
    let (status, cookie) = exchange(front, &link, &[]);
    assert_eq!(status, 303);
    let cookie = cookie.unwrap();
    let with = [
        ("Cookie", pair(&cookie)),
        ("Referer", "http://localhost/operator"),
    ];
    assert_eq!(get(front, "/config", &with).0, 200);
    let access = eventually("its log", || {
        let text = std::fs::read_to_string(folder.path().join("access.log")).ok()?;
        text.contains("/config").then_some(text)
    });
    let value = pair(&cookie).split_once('=').unwrap().1;
    let key = std::fs::read_to_string(exporter.key_path()).unwrap();
    for canary in [&*link, value, key.trim()] {
        assert!(!access.contains(canary), "{access}");
    }
    // A page that nginx shows under another name cannot act with the cookie.
    let foreign = [NOBODY, with[0], ("Origin", "http://evil.example")];
    let status = http(front, "POST", "/-/reload", &foreign, "").unwrap().0;
    assert_eq!(status, 403);
}

/// `socat`, `ssh -L`, a sidecar: bytes go through as they are.
#[test]
fn behind_a_forwarder() {
    let exporter = Exporter::start(&[]);
    let forwarder = TcpListener::bind("127.0.0.1:0").unwrap();
    let front = forwarder.local_addr().unwrap();
    let back = exporter.address;
    std::thread::spawn(move || {
        for client in forwarder.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(back).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                std::thread::spawn(move || {
                    _ = std::io::copy(&mut from, &mut to);
                    _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    is_everyone(front);
}

/// Needs root, as the machines of continuous integration give it.
#[test]
fn another_user_of_the_same_machine() {
    let exporter = Exporter::start(&[]);
    let folder = exporter.folder.path();
    if chown(folder, Some(0), Some(0)).is_err() {
        return;
    }
    // They may look into the folder, and run a program that is the same.
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    let as_nobody = |program: &str, arguments: &[&str]| {
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .arg(program)
            .args(arguments)
            .current_dir("/")
            .output()
            .unwrap()
    };
    let program = tempfile::tempdir().unwrap();
    std::fs::set_permissions(program.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let copy = program.path().join("m365mon");
    std::fs::copy(env!("CARGO_BIN_EXE_m365mon"), &copy).unwrap();
    let key = exporter.key_path();
    let opened = as_nobody(
        copy.to_str().unwrap(),
        &["open", "--web.operator-file", key.to_str().unwrap()],
    );
    assert_eq!(opened.status.code(), Some(1), "{opened:?}");
    assert!(opened.stdout.is_empty(), "{opened:?}");
    let read = as_nobody("cat", &[key.to_str().unwrap()]);
    assert!(!read.status.success());
    let environ = format!("/proc/{}/environ", exporter.process.id());
    assert!(!as_nobody("cat", &[&environ]).status.success());
    let url = format!("http://{}/config", exporter.address);
    let asked = as_nobody(
        "curl",
        &["-s", "-o", "/dev/null", "-w", "%{http_code}", &url],
    );
    assert_eq!(String::from_utf8_lossy(&asked.stdout), "403");
}

/// `open` as root reads no file that another user puts in its way.
#[test]
fn nothing_but_the_key_is_opened() {
    let exporter = Exporter::start(&[]);
    let secret = exporter.folder.path().join("secret");
    std::fs::write(&secret, KEY).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let link = exporter.folder.path().join("link");
    std::os::unix::fs::symlink(&secret, &link).unwrap();
    let output = exporter.open(&["--web.operator-file", "link"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("it is a link") && !said.contains(KEY),
        "{said}"
    );
    if chown(&secret, Some(65534), None).is_ok() {
        let output = exporter.open(&["--web.operator-file", "secret"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("owner of its folder"), "{said}");
    }
}

/// Replicas behind one name: with one key either takes the other's cookies.
#[test]
fn replicas_with_a_key_in_common_and_without() {
    let shared = [
        Exporter::with_key(Some(key_file()), &[]),
        Exporter::with_key(Some(key_file()), &[]),
    ];
    let output = shared[0].open(&["--web.operator-file", key_file().to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    let link = text.trim().split_once('#').unwrap().1;
    let (_, cookie) = exchange(shared[0].address, link, &[]);
    let cookie = cookie.unwrap();
    for replica in &shared {
        let (status, ..) = replica.get("/config", &[("Cookie", pair(&cookie))]);
        assert_eq!(status, 200);
    }
    drop(shared);
    assert!(key_file().exists(), "a named file is kept");
    let (one, other) = (Exporter::start(&[]), Exporter::start(&[]));
    let (_, cookie) = exchange(one.address, &one.link(), &[]);
    let cookie = cookie.unwrap();
    assert_eq!(one.get("/config", &[("Cookie", pair(&cookie))]).0, 200);
    assert_eq!(other.get("/config", &[("Cookie", pair(&cookie))]).0, 403);
    assert_eq!(exchange(other.address, &one.link(), &[]), (403, None));
}
