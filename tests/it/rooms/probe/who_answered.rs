//! Who answered: what counts only if the service itself said it, whatever the status,
//! the kind and the cloud.

use m365mon::http::ProbeRequest;
use m365mon::model::Method;

use super::ruled::{
    BLOCKED, BY_ENTRA, DISCOVERY, DOWNLOAD, FILES, SIGNED, SQUID, VIA, answer, files, of, reason,
    round_trip,
};
use super::*;

/// A filter's page in the place of the service's: no word on rights, whoever was
/// asked and whether a token went along.
#[tokio::test]
async fn a_page_of_nobody_is_no_refusal() {
    let site =
        |host: &str| format!("kind: sharepoint_site, api: sharepoint, url: https://{host}/sites/a");
    let graph = "kind: sharepoint_site, url: https://contoso.sharepoint.com/sites/a";
    for (account, line) in [
        ("contoso", "kind: sign_in".to_owned()),
        ("gcc_high", "kind: sign_in".to_owned()),
        ("china", "kind: sign_in".to_owned()),
        ("own", "kind: sign_in".to_owned()),
        ("", "kind: endpoint_list".to_owned()),
        ("contoso", site("contoso.sharepoint.com")),
        ("gcc_high", site("contoso.sharepoint.us")),
        ("dod", site("contoso.dps.mil")),
        ("dod", site("contoso.sharepoint-mil.us")),
        ("china", site("contoso.sharepoint.cn")),
        ("own", site("sites.contoso.com")),
        ("gcc_high", graph.to_owned()),
        ("dod", graph.to_owned()),
        ("china", graph.to_owned()),
        ("own", graph.to_owned()),
        (
            "contoso",
            "kind: http_endpoint, url: https://outlook.office365.com/x, \
             scope: https://outlook.office365.com/.default"
                .to_owned(),
        ),
        (
            "",
            "kind: http_endpoint, url: https://login.microsoftonline.us/x".to_owned(),
        ),
    ] {
        let resource = of(account, &line);
        for (headers, proxied, wanted) in [
            (&[][..], false, Reason::BadResponse),
            (&[], true, Reason::Proxy),
            (SQUID, false, Reason::Proxy),
            (VIA, false, Reason::Proxy),
            (SIGNED, false, Reason::Forbidden),
            (BY_ENTRA, true, Reason::Forbidden),
        ] {
            let rule = move |_: &ProbeRequest| answer(403, headers, BLOCKED);
            let found = reason(&resource, proxied, rule).await;
            assert_eq!(
                found,
                Some(wanted),
                "{account} {line} {headers:?} {proxied}"
            );
        }
    }
    // An API of one's own names no signs.
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    for (headers, wanted) in [(&[][..], Reason::Forbidden), (SQUID, Reason::Proxy)] {
        let rule = move |_: &ProbeRequest| answer(403, headers, BLOCKED);
        let found = reason(&of("contoso", own), true, rule).await;
        assert_eq!(found, Some(wanted), "{headers:?}");
    }
}

/// The steps that ask without a token.
#[tokio::test]
async fn nor_is_it_in_the_middle_of_a_probe() {
    let steve = of("steve", "kind: sign_in");
    let back = "http://localhost/?error=login_required";
    for (status, headers, body, wanted) in [
        (302, vec![("location", back)], "", None),
        (
            302,
            vec![("location", "https://wifi.example/signin")],
            "",
            Some(Reason::BadResponse),
        ),
        (
            302,
            vec![("location", "https://elsewhere.example/"), BY_ENTRA[0]],
            "",
            Some(Reason::UnexpectedStatus),
        ),
        (403, vec![], BLOCKED, Some(Reason::BadResponse)),
        (
            200,
            vec![],
            "<html>Zscaler: not allowed</html>",
            Some(Reason::Proxy),
        ),
        (400, SQUID.to_vec(), BLOCKED, Some(Reason::Proxy)),
        (
            400,
            BY_ENTRA.to_vec(),
            "<html>AADSTS700016",
            Some(Reason::Rejected),
        ),
    ] {
        let told = headers.clone();
        let rule = move |request: &ProbeRequest| {
            if request.url.path().ends_with("/authorize") {
                return answer(status, &told, body);
            }
            answer(200, &[], DISCOVERY)
        };
        let found = reason(&steve, false, rule).await;
        assert_eq!(found, wanted, "{status} {headers:?} {body}");
    }
    let resource = of("contoso", FILES);
    assert_eq!(reason(&resource, false, round_trip()).await, None);
    for (proxied, wanted) in [(false, Reason::BadResponse), (true, Reason::Proxy)] {
        let rule = |request: &ProbeRequest| match request.url.as_str() {
            DOWNLOAD => answer(403, &[], BLOCKED),
            _ => files(request),
        };
        assert_eq!(reason(&resource, proxied, rule).await, Some(wanted));
    }
}

/// What a probe can live with is Microsoft's word, not a box's.
#[tokio::test]
async fn a_status_that_is_expected_is_asked_for_its_sender() {
    let apps =
        "kind: app_credentials, applications: {payroll: 11111111-2222-3333-4444-555555555555}";
    let apple = "kind: apple_push_certificate";
    let none = r#"{"error":{"code":"ResourceNotFound","message":"x"}}"#;
    let gone = r#"{"error":{"code":"Request_ResourceNotFound","message":"x"}}"#;
    for (line, headers, body, wanted) in [
        (apps, &[][..], BLOCKED, Some(Reason::BadResponse)),
        (apps, SQUID, gone, Some(Reason::Proxy)),
        (apps, VIA, BLOCKED, Some(Reason::Proxy)),
        (apps, &[], gone, Some(Reason::NotFound)),
        (apps, SIGNED, "", Some(Reason::NotFound)),
        (apple, &[], BLOCKED, Some(Reason::BadResponse)),
        (apple, SQUID, none, Some(Reason::Proxy)),
        (apple, &[], none, None),
        (apple, SIGNED, none, None),
    ] {
        let rule = move |_: &ProbeRequest| answer(404, headers, body);
        let found = reason(&of("contoso", line), false, rule).await;
        assert_eq!(found, wanted, "{line} {headers:?} {body}");
    }
    let resource = of("contoso", FILES);
    for (post, delete, wanted) in [
        (
            (404, &[][..], BLOCKED),
            (204, SIGNED),
            Some(Reason::BadResponse),
        ),
        ((403, VIA, BLOCKED), (204, SIGNED), Some(Reason::Proxy)),
        ((405, SIGNED, ""), (404, &[][..]), Some(Reason::BadResponse)),
        ((405, SIGNED, ""), (404, SIGNED), None),
        ((404, SIGNED, ""), (204, &[]), None),
    ] {
        let good = round_trip();
        let rule = move |request: &ProbeRequest| match request.method {
            Method::Post => answer(post.0, post.1, post.2),
            Method::Delete => answer(delete.0, delete.1, ""),
            _ => good(request),
        };
        let found = reason(&resource, false, rule).await;
        assert_eq!(found, wanted, "{post:?} {delete:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_sign_in_is_one_to_a_known_place() {
    use Reason::{BadResponse, Proxy, Unauthorized, UnexpectedStatus};
    let graph = "kind: http_endpoint, url: https://graph.microsoft.com/v1.0/organization";
    let own =
        "kind: http_endpoint, url: https://api.contoso.com/x, scope: api://contoso-health/.default";
    let bare = "kind: http_endpoint, url: https://www.contoso.com/x";
    let devops = "kind: http_endpoint, url: https://dev.azure.com/contoso, \
                  scope: 499b84ac-1321-427f-aa17-267ca6975798/.default";
    let portal = "https://wifi.example/signin";
    let login = "https://login.microsoftonline.com/common/oauth2/authorize";
    let of_own_cloud = "https://login.contoso.com/t/oauth2/authorize";
    for (account, line, headers, to, wanted) in [
        ("contoso", graph, &[][..], portal, BadResponse),
        ("contoso", graph, SQUID, portal, Proxy),
        ("contoso", graph, VIA, portal, Proxy),
        ("contoso", graph, SIGNED, portal, UnexpectedStatus),
        ("contoso", graph, &[], login, Unauthorized),
        ("contoso", graph, VIA, login, Unauthorized),
        ("contoso", own, &[], portal, UnexpectedStatus),
        ("contoso", own, SQUID, portal, Proxy),
        ("contoso", own, &[], login, Unauthorized),
        ("contoso", own, &[], "/.auth/login/aad", Unauthorized),
        ("contoso", own, &[], "/elsewhere", UnexpectedStatus),
        ("contoso", own, &[], of_own_cloud, UnexpectedStatus),
        ("own", own, &[], of_own_cloud, Unauthorized),
        ("own", own, &[], login, Unauthorized),
        (
            "own",
            own,
            &[],
            "https://login.contoso.com:8443/",
            UnexpectedStatus,
        ),
        ("", bare, &[], portal, UnexpectedStatus),
        ("", bare, VIA, portal, Proxy),
        ("", bare, VIA, "https://www.contoso.com/y", Proxy),
        (
            "contoso",
            devops,
            &[],
            "https://spsprodweu4.vssps.visualstudio.com/_signin?realm=dev.azure.com",
            Unauthorized,
        ),
        (
            "contoso",
            devops,
            &[],
            "https://wifi.example/_signin",
            BadResponse,
        ),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let mut all = headers.to_vec();
            all.push(("location", to));
            let rule = move |_: &ProbeRequest| answer(status, &all, "");
            let found = reason(&of(account, line), false, rule).await;
            assert_eq!(
                found,
                Some(wanted),
                "{account} {line} {status} {headers:?} {to}"
            );
        }
    }
    let html = ("content-type", "text/html");
    for (headers, wanted) in [(vec![html], Unauthorized), (vec![html, SQUID[0]], Proxy)] {
        let rule = move |_: &ProbeRequest| answer(203, &headers, BLOCKED);
        assert_eq!(
            reason(&of("contoso", graph), false, rule).await,
            Some(wanted)
        );
    }
    // What the configuration names counts, whoever answers.
    for status in [302, 403, 404] {
        let line = format!("{graph}, expect_status: [200, {status}]");
        let rule = move |_: &ProbeRequest| {
            let headers = [("location", portal), VIA[0]];
            answer(status, &headers, BLOCKED)
        };
        assert_eq!(
            reason(&of("contoso", &line), true, rule).await,
            None,
            "{status}"
        );
    }
}
