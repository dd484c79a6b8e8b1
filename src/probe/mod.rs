//! One file per kind: the request and the verdict.
