//! HTML that cannot be written unescaped: markup is `&'static str`, everything
//! else goes through [`Html::text`].

use std::fmt::{self, Write as _};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// What a page may load and do: its own style sheet and script, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page or a piece of one.
#[derive(Default)]
pub(in crate::web) struct Html(String);

impl Html {
    /// Markup, known when this was compiled.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text or an attribute's value (between double quotes), escaped.
    pub(super) fn text(&mut self, text: impl fmt::Display) -> &mut Self {
        _ = write!(Escaping(&mut self.0), "{text}");
        self
    }

    /// A whole page. `prefix` is the path before every link of ours, `head`
    /// more elements for its head.
    pub(super) fn page(
        title: &str,
        prefix: &str,
        head: &'static str,
        body: impl FnOnce(&mut Self),
    ) -> Self {
        let mut page = Self::default();
        page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .raw("<meta name=\"color-scheme\" content=\"light dark\">\n")
            .raw(head)
            .raw("<title>")
            .text(title)
            .raw("</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"")
            .text(prefix)
            .raw("/assets/style.css\">\n</head>\n<body>\n");
        body(&mut page);
        page.raw("</body>\n</html>\n");
        page
    }

    /// The text of it.
    #[cfg(test)]
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ]
        .map(|(name, value)| (name, HeaderValue::from_static(value)));
        (StatusCode::OK, headers, self.0).into_response()
    }
}

struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        let mut html = Html::default();
        html.raw("<p>").text("<script>\"'&").raw("</p>");
        assert_eq!(html.as_str(), "<p>&lt;script&gt;&quot;&#39;&amp;</p>");
        let page = Html::page("<title>", "/a\"b", "", |_| {});
        assert!(page.as_str().contains("<title>&lt;title&gt;</title>"));
        assert!(
            page.as_str()
                .contains("href=\"/a&quot;b/assets/style.css\"")
        );
    }
}
