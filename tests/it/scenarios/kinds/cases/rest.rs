//! `api: sharepoint`: the same sites by SharePoint's own REST, which has another
//! host, permissions of its own and its own words (PROTOCOL section 4.2,
//! RECORDED sections 1 and 2).

use m365mon::model::Reason::*;
use m365mon_simulator::directory::{DOMAIN, SHAREPOINT_HOST};
use serde_json::{Value, json};

use super::forms::*;
use super::rights_case;

const BY_REST: &str = "by SharePoint's REST";

/// What a line of YAML says of the site `path`.
pub(crate) fn site(path: &str) -> String {
    format!("url: \"https://{SHAREPOINT_HOST}/{path}\", api: sharepoint")
}

/// By an application with a certificate, which a secret cannot do, and by a person.
pub(super) fn by_rest() -> Vec<Other> {
    let one = |account: &'static str, path: &str| (account, "sharepoint_site", site(path));
    let (app, person) = (one("certified", "sites/hr"), one("steve", "sites/hr"));
    let mut cases = usual_at(&scope(), BadResponse);
    cases.insert(1, rights_case(&app, Forbidden.into()));
    cases.extend(of_site(&url("sites/hr"), &scope()));
    cases.extend(answers());
    cases.push(as_it_is("works again after all that", None));
    let readers = |names: Value| json!({"site": {"url": url("sites/hr"), "readers": names}});
    let people = vec![
        as_it_is("works", None).but("as a person"),
        Case {
            what: "consent taken back (AADSTS65001)".to_owned(),
            ..rights_case(&person, Forbidden.into())
        }
        .but("as a person"),
        case(
            "not shared",
            readers(json!([format!("helpdesk@{DOMAIN}")])),
            readers(json!([format!("steve@{DOMAIN}")])),
            Forbidden,
        )
        .but("as a person")
        .saying("the person may not read this site"),
    ];
    let nowhere = one("certified", "sites/nowhere");
    [
        (app, cases),
        (person, people),
        (nowhere, vec![as_it_is("no such site", NotFound)]),
    ]
    .map(|((account, kind, more), cases)| {
        let cases = cases.into_iter().map(|case| case.but(BY_REST)).collect();
        (account, kind, more, cases)
    })
    .into()
}

fn scope() -> Value {
    json!({"service": "sharepoint"})
}

fn url(path: &str) -> String {
    format!("https://{SHAREPOINT_HOST}/{path}")
}

/// SharePoint's own words.
fn answers() -> Vec<Case> {
    let said = |what, status, body: Value, reason| answered(what, &scope(), status, &body, reason);
    let odata = |code: &str, message: &str| json!({"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}});
    let token = |text: &str| json!({"error_description": text});
    vec![
        said(
            "an operation that is not authorized (403)",
            403,
            odata(
                "-2147024891, System.UnauthorizedAccessException",
                "Attempted to perform an unauthorized operation.",
            ),
            Some(Forbidden),
        ),
        said(
            "site locked, in the code of a missing right (403)",
            403,
            odata(
                "-2147024891, System.UnauthorizedAccessException",
                "Access to this Web site has been blocked.\r\n\r\nPlease contact the \
                 administrator to resolve this problem.",
            ),
            Some(Locked),
        ),
        said(
            "token by a secret (401)",
            401,
            token("Unsupported app only token."),
            Some(Forbidden),
        )
        .saying("certificate"),
        said(
            "token of a sort that is not allowed (401)",
            401,
            json!({"error": "invalid_request", "error_description": "Token type is not allowed."}),
            Some(Forbidden),
        ),
        said(
            "token for another host (401)",
            401,
            token(
                "Exception of type \
                 'Microsoft.IdentityModel.Tokens.AudienceUriValidationFailedException' was thrown.",
            ),
            Some(Unauthorized),
        ),
        said(
            "token of another tenant (401)",
            401,
            token("Invalid issuer or signature."),
            Some(Unauthorized),
        ),
        said(
            "token that SharePoint does not know (401)",
            401,
            token("Unsupported security token."),
            Some(Unauthorized),
        ),
        said(
            "no such list (404)",
            404,
            odata(
                "-1, System.ArgumentException",
                "List 'x' does not exist at site with URL 'https://contoso.sharepoint.com'.",
            ),
            Some(NotFound),
        ),
        said(
            "an exception (500)",
            500,
            odata(
                "-2130575342, Microsoft.SharePoint.SPException",
                "Something went wrong.",
            ),
            Some(ServerError),
        ),
        said(
            "the verbose form of JSON",
            200,
            json!({"d": {"results": [{"Title": "Documents"}]}}),
            None,
        ),
        said("no list at all", 200, json!({"value": []}), None),
        said(
            "odata.error inside of 200",
            200,
            odata(
                "-1, Microsoft.SharePoint.SPException",
                "Something went wrong.",
            ),
            Some(BadResponse),
        ),
    ]
}
