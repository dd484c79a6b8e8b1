//! Graph and SharePoint requests: URLs, errors, throttling, diagnostics.
