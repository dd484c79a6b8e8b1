//! Sockets that a service manager opened for us (`--web.systemd-socket`):
//! `LISTEN_FDS` of `sd_listen_fds(3)`.

use std::io;
use std::net::TcpListener as Inherited;

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// No socket to take over, or one that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum InheritError {
    /// There is none.
    #[error(
        "no socket was passed on: --web.systemd-socket is for a service that a socket unit starts"
    )]
    None,
    /// It is something else.
    #[error("the socket number {number} that was passed on is no TCP listener: {source}")]
    NotTcp {
        /// From 0.
        number: usize,
        /// Why.
        source: io::Error,
    },
}

/// Takes them over. Changes the environment, so it must be called before there
/// are threads.
///
/// # Errors
///
/// If there is none, or one is no TCP listener.
pub fn inherit() -> Result<Vec<Inherited>, InheritError> {
    let mut passed = ListenFd::from_env();
    let mut listeners = Vec::with_capacity(passed.len());
    for number in 0..passed.len() {
        let listener = passed
            .take_tcp_listener(number)
            .map_err(|source| InheritError::NotTcp { number, source })?;
        listeners.extend(listener);
    }
    if listeners.is_empty() {
        return Err(InheritError::None);
    }
    Ok(listeners)
}

/// Prepares them for the runtime. Must be called inside one.
///
/// # Errors
///
/// If one is no TCP listener.
pub fn adopt(inherited: Vec<Inherited>) -> Result<Vec<TcpListener>, InheritError> {
    let adopt = |(number, listener): (usize, Inherited)| {
        listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener))
            .map_err(|source| InheritError::NotTcp { number, source })
    };
    inherited.into_iter().enumerate().map(adopt).collect()
}
