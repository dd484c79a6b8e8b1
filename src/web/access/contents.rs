//! The web configuration and every file that it names, read at one moment:
//! what is checked, what is used and what is compared with the next look are
//! the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::Diagnostic;
use crate::config::digest::{DigestBuilder, FileDigest};
use crate::config::web::{self, ClientAuth, Pem, PemSource, WebFile};
use crate::files::{self, FileError};

/// Largest file of certificates, in bytes.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

type Bytes = Zeroizing<Vec<u8>>;

/// The files that a web configuration names.
pub(super) struct Contents(BTreeMap<PathBuf, Result<Bytes, FileError>>);

/// One look at everything.
pub(super) struct Look {
    /// The file, or what is wrong with it.
    pub(super) web: Result<WebFile, Vec<Diagnostic>>,
    /// What it names.
    pub(super) contents: Contents,
    /// What all of them were like.
    pub(super) seen: FileDigest,
}

/// Reads everything; blocks.
pub(super) fn look(path: &Path) -> Look {
    let mut looking = DigestBuilder::default();
    let file = web::read(path);
    looking.add(path, file.as_ref().ok().map(|bytes| bytes.as_slice()));
    let web = file
        .and_then(|bytes| web::check_bytes(&bytes, path))
        .map_err(|errors| errors.diagnostics().to_vec());
    let mut contents = BTreeMap::new();
    for pem in web.iter().flat_map(named) {
        if let PemSource::File(path) = &pem.source
            && !contents.contains_key(path)
        {
            let content = files::read(path, MOST_BYTES);
            looking.add(path, content.as_ref().ok().map(|bytes| bytes.as_slice()));
            contents.insert(path.clone(), content);
        }
    }
    Look {
        web,
        contents: Contents(contents),
        seen: looking.finish(),
    }
}

fn named(web: &WebFile) -> impl Iterator<Item = &Pem> {
    web.tls.iter().flat_map(|tls| {
        let ca = match &tls.client_auth {
            ClientAuth::VerifyIfGiven(ca) | ClientAuth::RequireAndVerify(ca) => Some(ca),
            ClientAuth::None | ClientAuth::Request | ClientAuth::RequireAny => None,
        };
        [&tls.certificate, &tls.key].into_iter().chain(ca)
    })
}

impl Contents {
    /// What stands in the file or in the one that it names.
    pub(super) fn of(&self, pem: &Pem) -> Result<Bytes, Diagnostic> {
        let path = match &pem.source {
            PemSource::Text(text) => return Ok(Zeroizing::new(text.expose().into())),
            PemSource::File(path) => path,
        };
        let why = match self.0.get(path) {
            Some(Ok(bytes)) => return Ok(bytes.clone()),
            Some(Err(error)) => error.to_string(),
            None => "it was not there when the others were read".to_owned(),
        };
        Err(pem.place.diagnostic(format!("\"{}\": {why}", pem.name)))
    }
}
