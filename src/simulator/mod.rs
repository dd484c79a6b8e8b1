//! A simulated tenant: Entra, Graph and SharePoint with faults on command.
