//! `m365mon hash-password`: a bcrypt hash for `basic_auth_users`. The password
//! is read from the terminal without showing it, or from stdin, never from the
//! command line, where everybody on the machine could read it.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use zeroize::{Zeroize as _, Zeroizing};

use super::{EXIT_FAILED, EXIT_USAGE, output};

/// bcrypt looks no further than this, in bytes.
const MOST_BYTES: usize = 72;

/// Make a hash of a password for basic_auth_users
#[derive(Debug, clap::Args)]
pub(crate) struct HashPassword {
    /// How much work a look at the password is: each step doubles it
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(4..=31)
    )]
    cost: u32,
}

impl HashPassword {
    /// Asks, hashes and prints the hash alone.
    pub(crate) fn run(self) -> ExitCode {
        let password = match read() {
            Ok(Some(password)) => password,
            Ok(None) => {
                output::complain("no password was given");
                return ExitCode::from(EXIT_USAGE);
            }
            Err(error) => {
                output::complain(&format!("cannot read the password: {error}"));
                return ExitCode::from(EXIT_FAILED);
            }
        };
        if let Some(complaint) = unfit(&password) {
            output::complain(complaint);
            return ExitCode::from(EXIT_USAGE);
        }
        match bcrypt::hash(&*password, self.cost) {
            Ok(hash) => {
                output::say(&hash);
                ExitCode::SUCCESS
            }
            Err(error) => {
                output::complain(&format!("cannot make a hash: {error}"));
                ExitCode::from(EXIT_FAILED)
            }
        }
    }
}

fn unfit(password: &str) -> Option<&'static str> {
    if password.is_empty() {
        Some("the password is empty")
    } else if password.len() > MOST_BYTES {
        Some("the password is longer than 72 bytes; bcrypt would ignore the rest of it")
    } else if password.contains('\0') {
        Some("the password holds a zero byte, which not every client can send")
    } else {
        None
    }
}

/// `None` if there was none, or the two differ.
fn read() -> io::Result<Option<Zeroizing<String>>> {
    if !io::stdin().is_terminal() {
        return first_line();
    }
    let Some(password) = terminal::ask("Password: ")? else {
        return Ok(None);
    };
    if unfit(&password).is_some() {
        return Ok(Some(password));
    }
    let again = terminal::ask("Again:    ")?;
    if again.as_ref() == Some(&password) {
        return Ok(Some(password));
    }
    output::complain("the two are not the same");
    Ok(None)
}

/// The first line of stdin, without its end.
fn first_line() -> io::Result<Option<Zeroizing<String>>> {
    let mut line = Zeroizing::new(String::new());
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let end = line.trim_end_matches(['\n', '\r']).len();
    let password = Zeroizing::new(line.get(..end).unwrap_or_default().to_owned());
    line.zeroize();
    Ok(Some(password))
}

#[cfg(unix)]
mod terminal {
    //! A terminal that shows nothing. Keys come one by one, Ctrl-C too, so that
    //! it is always put back as it was.

    use std::io::{self, Read as _, Write as _};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    struct Restore(Termios);

    impl Drop for Restore {
        fn drop(&mut self) {
            _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
            _ = io::stderr().write_all(b"\n");
        }
    }

    /// One line; `None` after Ctrl-C or Ctrl-D.
    pub(super) fn ask(prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        let _restore = Restore(before);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        io::stderr().write_all(prompt.as_bytes())?;
        let mut line = Zeroizing::new(Vec::new());
        for key in io::stdin().lock().bytes() {
            match key? {
                b'\n' | b'\r' => {
                    let line = String::from_utf8(std::mem::take(&mut *line))
                        .map_err(|_| io::Error::other("it is not UTF-8"))?;
                    return Ok(Some(Zeroizing::new(line)));
                }
                // Ctrl-C and Ctrl-D.
                3 | 4 => return Ok(None),
                // Backspace takes a whole character.
                8 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                // Ctrl-U.
                0x15 => line.clear(),
                key => line.push(key),
            }
        }
        Ok(None)
    }
}

#[cfg(not(unix))]
mod terminal {
    //! Only Unix terminals can be silenced here.

    use std::io;

    use zeroize::Zeroizing;

    pub(super) fn ask(_prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
        Err(io::Error::other("give it on stdin"))
    }
}
