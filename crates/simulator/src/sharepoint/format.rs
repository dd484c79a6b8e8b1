//! The three ways in which SharePoint writes the same thing, by `Accept`:
//! `odata=nometadata` (and minimal), `odata=verbose`, and Atom without either.

use axum::body::Body;
use http::{HeaderValue, Response, header};
use serde_json::{Map, Value, json};

use crate::directory::{List, Site};

/// An entity: properties in order.
pub(super) type Row = Vec<(&'static str, Value)>;

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    NoMetadata,
    Minimal,
    Verbose,
    Atom,
}

pub(super) fn list(site: &Site, list: &List) -> Row {
    vec![
        ("Id", list.id.as_str().into()),
        ("Title", list.title.as_str().into()),
        ("Description", "".into()),
        ("Hidden", list.system.into()),
        ("ItemCount", 7.into()),
        ("BaseTemplate", template_number(list.template).into()),
        ("ParentWebUrl", format!("/{}", site.path).into()),
        ("Created", "2017-05-09T20:56:00Z".into()),
        ("LastItemModifiedDate", "2026-10-01T08:15:12Z".into()),
    ]
}

const fn template_number(template: &str) -> u32 {
    match template.as_bytes() {
        b"documentLibrary" => 101,
        b"events" => 106,
        b"webPageLibrary" => 119,
        _ => 100,
    }
}

pub(super) fn web(site: &Site) -> Row {
    vec![
        ("Id", site.web_id.as_str().into()),
        ("Title", site.display_name.as_str().into()),
        ("Url", site.web_url().into()),
        ("ServerRelativeUrl", format!("/{}", site.path).into()),
        ("Created", "2017-05-09T20:56:00Z".into()),
    ]
}

impl Format {
    pub(super) fn of(accept: &str) -> Self {
        if accept.contains("odata=verbose") {
            Self::Verbose
        } else if accept.contains("odata=nometadata") || accept.contains("odata.metadata=none") {
            Self::NoMetadata
        } else if accept.contains("application/json") {
            Self::Minimal
        } else {
            Self::Atom
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::NoMetadata => "application/json;odata=nometadata;streaming=true;charset=utf-8",
            Self::Minimal => "application/json;odata=minimalmetadata;streaming=true;charset=utf-8",
            Self::Verbose => "application/json;odata=verbose;charset=utf-8",
            Self::Atom => "application/atom+xml;type=feed;charset=utf-8",
        }
    }

    pub(super) fn collection(self, host: &str, kind: &str, rows: &[Row]) -> Response<Body> {
        let object = |row: &Row| -> Map<String, Value> {
            row.iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect()
        };
        // `web` is one entity, `lists` a collection.
        let single = kind == "SP.Web";
        let body = match self {
            Self::NoMetadata | Self::Minimal => {
                let mut body = match rows {
                    [row] if single => object(row),
                    _ => {
                        let values: Vec<_> = rows.iter().map(|r| object(r).into()).collect();
                        Map::from_iter([("value".to_owned(), Value::Array(values))])
                    }
                };
                if self == Self::Minimal {
                    let context = format!("https://{host}/_api/$metadata#{kind}");
                    body.insert("odata.metadata".into(), context.into());
                }
                Value::Object(body).to_string()
            }
            Self::Verbose => {
                let typed = |row: &Row| {
                    let mut entity = object(row);
                    entity.insert("__metadata".into(), json!({"type": kind}));
                    Value::Object(entity)
                };
                match rows {
                    [row] if single => json!({"d": typed(row)}).to_string(),
                    _ => {
                        let values: Vec<_> = rows.iter().map(typed).collect();
                        json!({"d": {"results": values}}).to_string()
                    }
                }
            }
            Self::Atom => atom(rows),
        };
        self.respond(body)
    }

    pub(super) fn error(self, code: &str, message: &str) -> Response<Body> {
        let error = json!({"code": code, "message": {"lang": "en-US", "value": message}});
        let body = match self {
            Self::NoMetadata | Self::Minimal => json!({"odata.error": error}).to_string(),
            Self::Verbose => json!({"error": error}).to_string(),
            Self::Atom => format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><m:error \
                 xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
                 <m:code>{}</m:code><m:message xml:lang=\"en-US\">{}</m:message></m:error>",
                escape(code),
                escape(message)
            ),
        };
        self.respond(body)
    }

    fn respond(self, body: String) -> Response<Body> {
        let mut answer = Response::new(Body::from(body));
        answer.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type()),
        );
        answer
    }
}

fn atom(rows: &[Row]) -> String {
    let mut body = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\" \
         xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">",
    );
    for row in rows {
        body.push_str("<entry><content type=\"application/xml\"><m:properties>");
        for (name, value) in row {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            body.push_str(&format!("<d:{name}>{}</d:{name}>", escape(&text)));
        }
        body.push_str("</m:properties></content></entry>");
    }
    body.push_str("</feed>");
    body
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_decides() {
        assert_eq!(
            Format::of("application/json;odata=nometadata"),
            Format::NoMetadata
        );
        assert_eq!(
            Format::of("application/json;odata=verbose"),
            Format::Verbose
        );
        assert_eq!(Format::of("application/json"), Format::Minimal);
        assert_eq!(Format::of("*/*"), Format::Atom);
    }
}
