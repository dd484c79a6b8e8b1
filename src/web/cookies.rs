//! The cookies of a request (RFC 6265 section 5.4).

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// Names and values, in the order of the request.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; b=x=;c".parse().unwrap());
        headers.append(COOKIE, " d = 2".parse().unwrap());
        let found: Vec<_> = cookies(&headers).collect();
        assert_eq!(found, [("a", "1"), ("b", "x="), ("d ", " 2")]);
    }
}
