//! The HTTP server: metrics, probe, discovery, status pages, health.
