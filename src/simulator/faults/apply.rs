//! Makes HTTP go wrong.
