//! Access tokens: grants, cache, store, AADSTS classification.
