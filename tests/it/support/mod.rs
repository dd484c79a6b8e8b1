//! What tests stand on and share.

pub(crate) mod documents;
pub(crate) mod exposition;
pub(crate) mod fixtures;
pub(crate) mod name_server;
pub(crate) mod one_secret;
pub(crate) mod operator;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod pager;
pub(crate) mod quick_rules;
pub(crate) mod raw;
pub(crate) mod schema;
pub(crate) mod stack;
pub(crate) mod tenant;
pub(crate) mod tls;
pub(crate) mod vitals;
