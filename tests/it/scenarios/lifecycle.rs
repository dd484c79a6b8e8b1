//! What an init system and an orchestrator do to a process: sockets passed on,
//! notifications, files that change, the end.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::stack::{PATIENCE, Process, eventually, get, http};

/// Everything that is asked goes to `cloud`.
fn write_configuration(folder: &Path, cloud: SocketAddr, resources: &[&str]) {
    let resources: String = resources
        .iter()
        .map(|name| {
            format!(
                "  - {{name: {name}, account: contoso, kind: sharepoint_site, \
                 url: https://contoso.sharepoint.com/sites/{name}, mode: on_probe, \
                 interval: 2h, timeout: 1h}}\n"
            )
        })
        .collect();
    let text = format!(
        "http: {{resolve: {{login.microsoftonline.com: \"{cloud}\", graph.microsoft.com: \"{cloud}\"}}}}\n\
         accounts:\n\
         \x20 - {{name: contoso, tenant: contoso.onmicrosoft.com, \
         client_id: 11111111-2222-3333-4444-555555555555, \
         client_secret: {{secret_file: secret.txt, expires: 2099-01-01}}}}\n\
         resources:\n{resources}"
    );
    let new = folder.join("new.yml");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, folder.join("m365mon.yml")).unwrap();
}

/// A folder with a configuration of one resource, and a cloud that takes
/// connections and says nothing until it is dropped.
fn folder() -> (tempfile::TempDir, TcpListener) {
    let folder = tempfile::tempdir().unwrap();
    let cloud = TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "canary-1").unwrap();
    write_configuration(folder.path(), cloud.local_addr().unwrap(), &["intranet"]);
    (folder, cloud)
}

fn serve(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Process {
    Process::start(
        "m365mon",
        Command::new(env!("CARGO_BIN_EXE_m365mon"))
            .current_dir(folder)
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(flags)
            .envs(environment.iter().copied()),
    )
}

fn address(process: &Process) -> SocketAddr {
    process.wait_for("address", |output| {
        let line = output.lines().find(|line| line.contains("listening"))?;
        line.rsplit("addr=").next()?.trim().parse().ok()
    })
}

fn wait_for_line(process: &Process, part: &str, times: usize) {
    process.wait_for(part, |output| {
        (output.matches(part).count() >= times).then_some(())
    });
}

/// A configuration that cannot be read to its end: the end is heard all the same.
#[test]
fn a_signal_is_heard_while_the_configuration_hangs() {
    let (folder, _cloud) = folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let environment = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut process = serve(folder.path(), &[], &environment);
    let hear = |part: &str| {
        let mut message = [0; 1024];
        loop {
            let length = socket.recv(&mut message).expect(part);
            if String::from_utf8_lossy(&message[..length]).contains(part) {
                return;
            }
        }
    };
    hear("READY=1");
    let configuration = folder.path().join("m365mon.yml");
    std::fs::remove_file(&configuration).unwrap();
    let made = Command::new("mkfifo").arg(&configuration).status().unwrap();
    assert!(made.success());
    process.signal("HUP");
    hear("RELOADING=1");
    process.signal("TERM");
    assert_eq!(process.exit_code(), 0);
}

#[test]
fn the_service_manager_is_told() {
    let (folder, cloud) = folder();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let hear = |part: &str| {
        loop {
            let mut message = [0; 1024];
            let length = socket.recv(&mut message).expect(part);
            let message = String::from_utf8(message[..length].to_vec()).unwrap();
            if message.contains(part) {
                return message;
            }
            assert_eq!(message, "WATCHDOG=1", "before {part}");
        }
    };
    let environment = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "200000"),
    ];
    let mut process = serve(folder.path(), &[], &environment);
    let ready = hear("READY=1");
    assert!(
        ready.contains("STATUS=resources: 1, accounts: 1"),
        "{ready}"
    );
    assert_eq!(http_status(&process, "/-/ready"), 200, "ready means ready");
    for _ in 0..3 {
        hear("WATCHDOG=1");
    }

    let two = ["intranet", "second"];
    write_configuration(folder.path(), cloud.local_addr().unwrap(), &two);
    process.signal("HUP");
    let reloading = hear("RELOADING=1");
    let micros = reloading
        .lines()
        .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    assert!(micros.unwrap().parse::<u64>().unwrap() > 0, "{reloading}");
    assert!(hear("READY=1").contains("resources: 2"));

    std::fs::write(folder.path().join("m365mon.yml"), "accounts: 5\n").unwrap();
    process.signal("HUP");
    hear("RELOADING=1");
    assert!(hear("READY=1").contains("the one before goes on"));
    hear("WATCHDOG=1");

    process.signal("TERM");
    hear("STOPPING=1");
    assert_eq!(process.exit_code(), 0);
}

fn http_status(process: &Process, path: &str) -> u16 {
    http(address(process), "GET", path, &[], "").unwrap().0
}

/// Starts a program as systemd does: with a listening socket as descriptor 3.
const ACTIVATE: &str = "\
import os, socket, sys
s = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
print('socket %d' % s.getsockname()[1], flush=True)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execv(sys.argv[2], sys.argv[2:])";

#[test]
fn sockets_of_systemd() {
    for host in ["127.0.0.1", "::1"] {
        let (folder, _cloud) = folder();
        let mut process = Process::start(
            "m365mon",
            Command::new("python3")
                .current_dir(folder.path())
                .args(["-c", ACTIVATE, host, env!("CARGO_BIN_EXE_m365mon")])
                .args([
                    "--web.systemd-socket",
                    "--web.listen-address",
                    "127.0.0.1:1",
                ]),
        );
        let port: u16 = process.wait_for("port", |output| {
            let line = output.lines().find_map(|line| line.strip_prefix("socket "));
            line?.parse().ok()
        });
        let address = SocketAddr::new(host.parse().unwrap(), port);
        // Nobody is turned away while it starts: the socket is there already.
        assert!(get(address, "/-/ready").contains("ready"));
        process.signal("TERM");
        assert_eq!(process.exit_code(), 0);
    }
}

#[test]
fn no_socket_to_take_over() {
    let (folder, _cloud) = folder();
    let mut process = serve(folder.path(), &["--web.systemd-socket"], &[]);
    assert_eq!(process.exit_code(), 3);
    wait_for_line(&process, "no socket was passed on", 1);
}

#[test]
fn files_that_change() {
    let (folder, cloud) = folder();
    let at = |name: &str| folder.path().join(name);
    // As Kubernetes mounts them: NAME -> ..data/NAME, ..data -> ..1.
    for version in ["..1", "..2"] {
        std::fs::create_dir(at(version)).unwrap();
        std::fs::write(at(version).join("secret.txt"), format!("canary{version}")).unwrap();
    }
    symlink("..1", at("..data")).unwrap();
    std::fs::remove_file(at("secret.txt")).unwrap();
    symlink("..data/secret.txt", at("secret.txt")).unwrap();
    let process = serve(folder.path(), &["--config.auto-reload-interval", "1s"], &[]);
    let address = address(&process);
    let successful = |wanted: &str| {
        eventually(wanted, || {
            let line = format!("m365mon_config_last_reload_successful {wanted}");
            get(address, "/metrics").contains(&line).then_some(())
        });
    };

    let cloud = cloud.local_addr().unwrap();
    write_configuration(folder.path(), cloud, &["intranet", "second"]);
    wait_for_line(&process, "configuration reloaded", 1);
    assert!(get(address, "/sd").contains("second"));

    symlink("..2", at("..tmp")).unwrap();
    std::fs::rename(at("..tmp"), at("..data")).unwrap();
    wait_for_line(&process, "configuration reloaded", 2);

    // The same again is no change; what comes after it is the next reload.
    write_configuration(folder.path(), cloud, &["intranet", "second"]);
    std::fs::write(at("m365mon.yml"), "accounts: 5\n").unwrap();
    wait_for_line(&process, "configuration not reloaded", 1);
    successful("0");
    assert!(
        get(address, "/sd").contains("second"),
        "the last good one goes on"
    );

    write_configuration(folder.path(), cloud, &["third"]);
    wait_for_line(&process, "configuration reloaded", 3);
    successful("1");
    assert!(get(address, "/sd").contains("third"));
    let output = process.output();
    assert_eq!(
        output.matches("configuration not reloaded").count(),
        1,
        "{output}"
    );
    assert!(!output.contains("canary"), "{output}");
}

/// A request under way, whose probe hangs: connected once the cloud hears of it.
fn hanging_probe(
    address: SocketAddr,
    cloud: &TcpListener,
) -> (mpsc::Receiver<Option<u16>>, TcpStream) {
    let (send, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let reply = http(address, "GET", "/probe?resource=intranet", &[], "");
        _ = send.send(reply.map(|reply| reply.0));
    });
    let (mut connection, _) = cloud.accept().unwrap();
    let mut first = [0];
    connection.read_exact(&mut first).unwrap();
    (answer, connection)
}

#[test]
fn the_end_waits_for_no_hanging_probe() {
    let (folder, cloud) = folder();
    let mut process = serve(folder.path(), &[], &[]);
    let address = address(&process);
    let (answer, _connection) = hanging_probe(address, &cloud);
    // One that is idle, and one in the middle of its request.
    let _idle = TcpStream::connect(address).unwrap();
    process.signal("TERM");
    // The probe itself would take an hour.
    assert_eq!(process.exit_code(), 0);
    wait_for_line(&process, "msg=stopped", 1);
    let cut_off = answer.recv_timeout(PATIENCE).unwrap();
    assert!(!matches!(cut_off, Some(404 | 500)), "{cut_off:?}");
}

#[test]
fn the_end_waits_for_an_answer_under_way() {
    let (folder, cloud) = folder();
    let mut process = serve(folder.path(), &[], &[]);
    let address = address(&process);
    let (answer, connection) = hanging_probe(address, &cloud);
    process.signal("TERM");
    wait_for_line(&process, "msg=stopping", 1);
    // Nobody else comes in, but who is in gets an answer.
    eventually("no new connection", || {
        TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .is_err()
            .then_some(())
    });
    drop(connection);
    drop(cloud);
    assert_eq!(answer.recv_timeout(PATIENCE).unwrap(), Some(200));
    assert_eq!(process.exit_code(), 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (folder, cloud) = folder();
    let mut process = serve(folder.path(), &[], &[]);
    let (_answer, _connection) = hanging_probe(address(&process), &cloud);
    process.signal("INT");
    wait_for_line(&process, "msg=stopping", 1);
    process.signal("INT");
    assert!(matches!(process.exit_code(), 0 | 1));
}
