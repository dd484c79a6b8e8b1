//! The latest reports and short history, and snapshots of them.
