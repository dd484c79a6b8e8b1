//! Pages for people: templates in `templates/`, filled in here, without an
//! asset from elsewhere. They work without a script; a little of it refreshes
//! what changed.
//!
//! What stands on a page, and what an operator sees besides, is seen in its
//! template. Templates escape what they are given; only a [`piece::Piece`] and
//! types that are templates themselves stand in one as they are.

mod account;
mod appearance;
mod approval;
mod assets;
mod axis;
mod chart;
mod configuration;
mod error;
mod frame;
mod glance;
mod html;
mod invitation;
mod operator;
mod overview;
mod piece;
mod readings;
mod resource;
mod runbook;
mod runs;
mod sign_in;
mod spoken;
mod story;
mod strip;
mod support;
mod time;
mod trouble;
mod words;

pub(super) use account::account;
pub(super) use approval::approval;
pub(super) use assets::asset;
pub(super) use configuration::configuration;
pub(super) use error::{closed, error};
pub(super) use frame::{Frame, Notice, segment};
pub(super) use html::Html;
pub(super) use invitation::{InvitationEnd, Invited, invitation, invited};
pub(super) use operator::{LinkExchange, operator};
pub(super) use overview::{Filter, overview};
pub(super) use piece::SeenPieces;
pub(super) use resource::resource;
pub(super) use runbook::{runbook, runbooks};

pub(super) use sign_in::{SignInView, again, elsewhere, leave, no_sign_in, sign_in};
pub(super) use story::story;
#[cfg(test)]
pub(super) use words::account_runbook;

/// For templates.
use spoken::spoken;
