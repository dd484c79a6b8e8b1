//! When probes run: phases, intervals, gates, concurrency, single flight.
