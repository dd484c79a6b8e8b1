//! The one HTTP client: phases, roots, proxy, body limit, User-Agent.
