//! A name server that is silent about one name and has many addresses for
//! another, and programs that ask no other.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

/// What runs a program with the name server of a folder: in a mount namespace
/// of its own, where the system's two files about names are those of the folder.
const WITH_FILES: &str = r#"mount --bind "$0/resolv.conf" /etc/resolv.conf &&
if [ -e /etc/nsswitch.conf ]; then mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf; fi &&
exec "$@""#;
/// As patient as glibc gets: two and a half minutes for a name.
const PATIENT: &str = "options timeout:30 attempts:5";

/// Addresses of this machine where nothing listens; they sort before those of
/// any name server here (RFC 6724 section 6, rule 9).
const DEAD: u8 = 23;

/// What is answered to a question for an address.
#[derive(Clone, Copy)]
pub(crate) struct Says {
    /// Nothing.
    pub(crate) silent: &'static str,
    /// [`DEAD`] addresses before the one of everybody.
    pub(crate) crowded: &'static str,
}

/// Answers every name with one address of this machine, its own.
pub(crate) struct NameServer {
    pub(crate) address: Ipv4Addr,
    /// Questions for an IPv4 address, by name.
    asked: Arc<Mutex<BTreeMap<String, usize>>>,
    folder: tempfile::TempDir,
}

impl NameServer {
    /// `None` where this user may make no mount namespace: nothing else replaces
    /// a system's name server for one program.
    pub(crate) fn start(says: Says) -> Option<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(53);
        // An address that is nobody else's on a machine with several tests at once.
        let [.., high, low] = std::process::id().to_be_bytes();
        let second = NEXT.fetch_add(1, Ordering::Relaxed);
        let address = Ipv4Addr::new(127, second, high, low % 254 + 1);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write(
            "resolv.conf",
            &format!("nameserver {address}\nsearch .\n{PATIENT}\n"),
        );
        write("nsswitch.conf", "hosts: dns\n");
        let server = Self {
            address,
            asked: Arc::default(),
            folder,
        };
        if !server.command("true").status().unwrap().success() {
            return None;
        }
        let socket = UdpSocket::bind((address, 53)).unwrap();
        let asked = server.asked.clone();
        std::thread::spawn(move || {
            let mut packet = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                let Some(question) = Question::read(&packet[..length]) else {
                    continue;
                };
                let dead = (1..=DEAD).map(|last| Ipv4Addr::new(127, 0, 77, last));
                let dead = dead.filter(|_| question.name == says.crowded);
                let addresses: Vec<Ipv4Addr> = dead.chain([address]).collect();
                if question.name != says.silent {
                    _ = socket.send_to(&question.answer(&addresses), from);
                }
                if question.wants_ipv4 {
                    *asked.lock().unwrap().entry(question.name).or_default() += 1;
                }
            }
        });
        Some(server)
    }

    /// A program that asks this name server and no other.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", WITH_FILES]);
        command.arg(self.folder.path()).arg(program);
        command
    }

    /// How often the IPv4 address of a name was asked for.
    pub(crate) fn asked(&self, name: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.get(name).copied().unwrap_or_default()
    }
}

/// One question (RFC 1035 section 4).
struct Question<'a> {
    id: &'a [u8],
    name: String,
    wants_ipv4: bool,
    /// As it stands in the packet.
    whole: &'a [u8],
}

impl<'a> Question<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        const HEADER: usize = 12;
        const A: [u8; 2] = [0, 1];
        let whole = packet.get(HEADER..)?;
        let mut rest = whole;
        let mut labels = Vec::new();
        loop {
            let (&length, tail) = rest.split_first()?;
            let (label, tail) = tail.split_at_checked(length.into())?;
            rest = tail;
            if label.is_empty() {
                break;
            }
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        }
        // Type and class.
        let kind = rest.get(..2)?;
        Some(Self {
            id: packet.get(..2)?,
            name: labels.join("."),
            wants_ipv4: kind == A,
            whole: whole.get(..whole.len() - rest.len() + 4)?,
        })
    }

    /// These addresses if they are asked for, else none.
    fn answer(&self, addresses: &[Ipv4Addr]) -> Vec<u8> {
        let addresses = if self.wants_ipv4 { addresses } else { &[] };
        let count = u8::try_from(addresses.len()).unwrap();
        // An answer of an authority: one question and the answers to it.
        let mut answer = self.id.to_vec();
        answer.extend([0x85, 0x80, 0, 1, 0, count, 0, 0, 0, 0]);
        answer.extend(self.whole);
        for address in addresses {
            // The name as in the question, type and class, a second to live.
            answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
            answer.extend(address.octets());
        }
        answer
    }
}
