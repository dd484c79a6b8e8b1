//! What is asked for where, and what is shown of it.

use proptest::prelude::*;

use super::*;

fn site(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    let address = Request::of_site(&Cloud::Global, &url, "lists", "$top=1").unwrap();
    assert!(address.is_consistent());
    address.url.into()
}

#[test]
fn sites_by_path() {
    assert_eq!(
        site("https://contoso.sharepoint.com/sites/intranet"),
        "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/intranet:/lists?$top=1"
    );
    assert_eq!(
        site("https://contoso.sharepoint.com/"),
        "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com/lists?$top=1"
    );
    assert_eq!(
        site("https://contoso.sharepoint.com/sites/Café & Co/"),
        "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/Caf%C3%A9%20&%20Co:/lists?$top=1"
    );
}

#[test]
fn rest_keeps_the_host_and_port() {
    let url = Url::parse("https://contoso.sharepoint.com:8443/sites/a").unwrap();
    let address = Request::of_site_rest(&url, "web/lists", "$top=1").unwrap();
    assert_eq!(
        address.url.as_str(),
        "https://contoso.sharepoint.com:8443/sites/a/_api/web/lists?$top=1"
    );
    let audience = address.audience.as_ref().unwrap();
    assert_eq!(audience.host(), "contoso.sharepoint.com:8443");
    assert!(address.is_consistent());
}

#[test]
fn users_are_escaped_and_not_shown() {
    let user = "steve#EXT#/../x?@contoso.com";
    let address = Request::of_user(&Cloud::China, Some(user), "messages", "$top=1").unwrap();
    assert_eq!(
        address.url.as_str(),
        "https://microsoftgraph.chinacloudapi.cn/v1.0/users/steve%23EXT%23%2F..%2Fx%3F@contoso.com/messages?$top=1"
    );
    assert_eq!(
        address.shown,
        "https://microsoftgraph.chinacloudapi.cn/v1.0/users/{user}/messages?$top=1"
    );
    let mine = "https://contoso-my.sharepoint.com/Personal/steve_contoso_com";
    let url = Url::parse(mine).unwrap();
    let address = Request::of_site(&Cloud::Global, &url, "lists", "x").unwrap();
    assert!(!format!("{address:?}").contains("steve"));
}

/// Microsoft Graph, "Get a user": a name that begins with a dollar sign.
#[test]
fn a_dollar_sign_at_the_beginning() {
    for (user, path) in [
        ("$it@contoso.com", "/v1.0/users('$it@contoso.com')/messages"),
        (
            "$$it@contoso.com",
            "/v1.0/users('$$it@contoso.com')/messages",
        ),
        ("it$@contoso.com", "/v1.0/users/it%24@contoso.com/messages"),
        (
            "$o'neil@contoso.com",
            "/v1.0/users('$o%27%27neil@contoso.com')/messages",
        ),
    ] {
        let request = Request::of_user(&Cloud::Global, Some(user), "messages", "x").unwrap();
        assert_eq!(request.url.path(), path);
    }
}

#[test]
fn another_host_is_noticed() {
    let mut address = Request::of_user(&Cloud::Global, None, "messages", "x").unwrap();
    address.url = Url::parse("https://contoso.com/v1.0/me/messages").unwrap();
    assert!(!address.is_consistent());
    address.url = Url::parse("http://graph.microsoft.com/v1.0/me/messages").unwrap();
    assert!(!address.is_consistent());
}

#[test]
fn what_counts_whoever_answers_and_where_a_redirect_may_lead() {
    let asked = Url::parse("https://graph.microsoft.com/v1.0/x").unwrap();
    let site = Url::parse("https://contoso.sharepoint.com/sites/a").unwrap();
    let request = Request::get(asked, "x".into(), Provider::Workload)
        .expecting(&[200, 302, 404])
        .leading_to(&site);
    let taken = |request: &Request| {
        [200, 204, 302, 404]
            .into_iter()
            .filter(|status| request.takes_from_anyone(*status))
            .collect::<Vec<_>>()
    };
    assert_eq!(taken(&request), [200]);
    for (location, wanted) in [
        ("https://contoso.sharepoint.com/x?tempauth=1", true),
        ("https://contoso.sharepoint.com:8443/x", false),
        ("https://contoso.sharepoint.com@elsewhere.example/x", false),
        ("https://wifi.example/contoso.sharepoint.com", false),
        ("/x", false),
        ("", false),
    ] {
        assert_eq!(request.may_lead_to(location), wanted, "{location}");
    }
    let named = Request {
        from_anyone: Some(vec![404]),
        leads_to: vec![".vssps.visualstudio.com".into()],
        ..request
    };
    assert_eq!(taken(&named), [404]);
    for (location, wanted) in [
        ("https://spsprodweu4.vssps.visualstudio.com/_signin", true),
        ("https://vssps.visualstudio.com/_signin", false),
        ("https://wifi.example/.vssps.visualstudio.com", false),
    ] {
        assert_eq!(named.may_lead_to(location), wanted, "{location}");
    }
}

proptest! {
    #[test]
    fn a_user_is_always_one_segment(user in "\\PC{1,40}") {
        let address = Request::of_user(&Cloud::Global, Some(&user), "messages", "x").unwrap();
        let segments: Vec<_> = address.url.path_segments().unwrap().collect();
        let key = usize::from(user.starts_with('$'));
        prop_assert_eq!(segments.len(), 4 - key);
        prop_assert_eq!(segments[3 - key], "messages");
    }
}
