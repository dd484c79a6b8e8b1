//! The catalogue of metrics and the collector that reads `state`.
