//! What went wrong with a plain request, out of the layers of errors that
//! reqwest wraps it in.

use std::error::Error;
use std::io;

use super::failure::{is_our_shortage, plain_words, rustls_error};
use super::{NetFailure, NetFailureKind};

/// What reqwest could not do before the answer began.
pub(super) fn classify(error: reqwest::Error, host: &str) -> NetFailure {
    let mut connecting = false;
    let mut kind = None;
    let mut words = None;
    let mut next: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if let Some(failure) = cause.downcast_ref::<NetFailure>() {
            kind = Some(failure.kind);
            words = Some(failure.detail.clone());
            break;
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return NetFailure::tls(host, tls);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if let Some(tls) = rustls_error(io) {
                return NetFailure::tls(host, tls);
            }
            if is_our_shortage(io) {
                kind = Some(NetFailureKind::Internal);
            }
            words = Some(format!("{host}: {}", plain_words(io)));
        }
        if let Some(client) = cause.downcast_ref::<hyper_util::client::legacy::Error>() {
            connecting |= client.is_connect();
        }
        // What came is no HTTP: the same as for what is measured.
        let parse = cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_parse);
        let violated = cause
            .downcast_ref::<h2::Error>()
            .is_some_and(|error| error.is_library() && !error.is_io());
        if parse || violated {
            kind.get_or_insert(NetFailureKind::Broken);
            words.get_or_insert_with(|| format!("{host}: the answer is not HTTP"));
        }
        next = cause.source();
    }
    if error.is_builder() || error.is_upgrade() {
        kind = Some(NetFailureKind::Internal);
    }
    let kind = kind.unwrap_or(NetFailureKind::Connect);
    let words = words.unwrap_or_else(|| {
        let doing = if connecting {
            "connecting"
        } else {
            "waiting for the answer"
        };
        format!("{host}: the connection ended while {doing}")
    });
    NetFailure::new(kind, words).caused_by(error)
}

/// What went wrong after the answer began.
pub(super) fn broken(error: reqwest::Error, host: &str) -> NetFailure {
    let what = if error.is_decode() {
        "could not be decoded"
    } else {
        "ended early"
    };
    NetFailure::new(NetFailureKind::Broken, format!("{host}: the answer {what}")).caused_by(error)
}
