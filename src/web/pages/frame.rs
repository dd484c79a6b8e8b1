//! What all pages have around them.

use super::html::Html;
use crate::web::view::{Reader, Standing};

/// Where links lead.
pub(in crate::web) struct Links<'a> {
    /// The path before ours, without a trailing slash.
    pub(in crate::web) prefix: &'a str,
    /// Where the metrics are.
    pub(in crate::web) telemetry_path: &'a str,
    /// Who looks.
    pub(in crate::web) reader: Reader,
}

/// A whole page that shows itself again while somebody looks at it.
pub(super) fn page(title: &str, links: &Links<'_>, main: impl FnOnce(&mut Html)) -> Html {
    framed(title, links, PageKind::Alive, main)
}

/// A whole page that stays as it is.
pub(super) fn still_page(title: &str, links: &Links<'_>, main: impl FnOnce(&mut Html)) -> Html {
    framed(title, links, PageKind::Still, main)
}

/// A whole page that stays as it is, with the script that takes what stands
/// behind the `#` of its address into its form.
pub(super) fn still_page_with_script(
    title: &str,
    links: &Links<'_>,
    main: impl FnOnce(&mut Html),
) -> Html {
    framed(title, links, PageKind::Link, main)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PageKind {
    Alive,
    Still,
    Link,
}

fn framed(title: &str, links: &Links<'_>, kind: PageKind, main: impl FnOnce(&mut Html)) -> Html {
    let head = match kind {
        // The answer's header says `no-referrer`, with which browsers send
        // `Origin: null` along with a form; this counts for the page.
        PageKind::Link => "<meta name=\"referrer\" content=\"same-origin\">\n",
        PageKind::Alive | PageKind::Still => "",
    };
    Html::page(title, links.prefix, head, |html| {
        html.raw("<header>\n<a class=\"home\" href=\"")
            .text(links.prefix)
            .raw("/\">m365mon</a>\n<span class=\"soft\">")
            .raw(env!("CARGO_PKG_VERSION"))
            .raw("</span>\n<nav aria-label=\"Pages\">\n<ul class=\"links\">\n");
        let everybody = [
            (links.telemetry_path, "Metrics"),
            ("/sd", "Discovery"),
            ("/-/healthy", "Health"),
            ("/api/v1/resources", "Resources as JSON"),
            ("/api/v1/accounts", "Accounts as JSON"),
        ];
        let more = match links.reader {
            Reader::Operator => Some(("/config", "Configuration")),
            Reader::Everyone => Some(("/operator", "Become an operator")),
        };
        for (path, name) in everybody.into_iter().chain(more) {
            html.raw("<li><a href=\"")
                .text(links.prefix)
                .text(path)
                .raw("\">")
                .raw(name)
                .raw("</a></li>\n");
        }
        html.raw("</ul>\n</nav>\n</header>\n<main>\n");
        main(html);
        html.raw("</main>\n");
        let script = match kind {
            PageKind::Alive => Some("/assets/page.js"),
            PageKind::Link => Some("/assets/link.js"),
            PageKind::Still => None,
        };
        if let Some(script) = script {
            html.raw("<script src=\"")
                .text(links.prefix)
                .raw(script)
                .raw("\"></script>\n");
        }
    })
}

/// A state as a coloured word.
pub(super) fn badge(html: &mut Html, standing: Standing) {
    html.raw("<span class=\"state ")
        .raw(standing.as_str())
        .raw("\">")
        .raw(standing.as_str())
        .raw("</span>");
}

/// A link to a page whose path ends with a name.
pub(super) fn link(html: &mut Html, links: &Links<'_>, path: &'static str, name: &str) {
    html.raw("<a href=\"")
        .text(links.prefix)
        .raw(path)
        .text(segment(name))
        .raw("\">")
        .text(name)
        .raw("</a>");
}

/// The path of what belongs to an account, `/accounts/NAME/WHAT`, as an
/// attribute's value.
pub(super) fn account_path<'a>(
    html: &'a mut Html,
    links: &Links<'_>,
    name: &str,
    what: &'static str,
) -> &'a mut Html {
    html.text(links.prefix)
        .raw("/accounts/")
        .text(segment(name))
        .raw("/")
        .raw(what)
}

/// A name as one segment of a path (RFC 3986): all but unreserved characters
/// percent-encoded.
pub(in crate::web) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    // A segment of dots alone would be taken for a step up.
    if out == "." || out == ".." {
        return out.replace('.', "%2E");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        assert_eq!(segment("intranet-1.a_b~"), "intranet-1.a_b~");
        assert_eq!(segment("a/b c?"), "a%2Fb%20c%3F");
        assert_eq!(segment("ü"), "%C3%BC");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
