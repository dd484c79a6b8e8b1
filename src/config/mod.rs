//! YAML to checked types, with line and column in every complaint.
