//! A token request whose client and tenant are known: what every grant reads.

use jiff::Timestamp;

use super::aadsts::{self, EntraError};
use super::client::{Client, Proof};
use super::form::Form;
use super::issue::{ClaimsRequest, Issue};
use crate::Tenant;
use crate::directory::{Application, Directory, Organization};

/// A request whose client and tenant are known.
pub(super) struct Request<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) directory: &'a Directory,
    pub(super) organization: &'a Organization,
    pub(super) app: &'a Application,
    pub(super) client: Client<'a>,
    pub(super) form: &'a Form,
    pub(super) claims: ClaimsRequest,
    /// An `Origin` header came with it.
    pub(super) origin: Option<String>,
    /// The root that the organization's documents name.
    pub(super) base: String,
    /// The names of this endpoint, for assertions.
    pub(super) endpoints: Vec<String>,
    pub(super) now: Timestamp,
}

impl<'a> Request<'a> {
    /// The client must prove itself.
    pub(super) fn prove(&self) -> Result<Proof, EntraError> {
        self.refuse_origin()?;
        self.client
            .prove(self.app, &self.endpoints, &self.tenant.entra, self.now)
    }

    /// The client must prove itself unless it is a public one.
    pub(super) fn prove_if_needed(&self) -> Result<Proof, EntraError> {
        self.refuse_origin()?;
        self.client
            .prove_if_needed(self.app, &self.endpoints, &self.tenant.entra, self.now)
    }

    /// Scripts in browsers may redeem codes of their own platform only.
    pub(super) fn refuse_origin(&self) -> Result<(), EntraError> {
        self.origin
            .as_deref()
            .map_or(Ok(()), |origin| Err(aadsts::cross_origin(origin)))
    }

    /// What answers are made from.
    pub(super) fn issue(&'a self, proof: Proof) -> Issue<'a> {
        Issue {
            tenant: self.tenant,
            organization: self.organization,
            app: self.app,
            proof,
            claims: self.claims,
            consented_by_a_team: self.directory.is_in_a_team(&self.app.client_id),
            base: &self.base,
        }
    }
}
