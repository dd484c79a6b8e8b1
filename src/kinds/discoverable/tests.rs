use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::fixtures;
use crate::kinds::testing::answer;

const ID: &str = "7c0e0000-2222-3333-4444-555555555555";

#[test]
fn requests_with_any_text() {
    for (search, url) in [
        (
            Search::Sites("a&b #c+d".into()),
            "https://graph.microsoft.com/v1.0/sites?search=a%26b%20%23c%2Bd&$select=id,webUrl",
        ),
        (
            Search::Users("o'neil\"\\".into()),
            "https://graph.microsoft.com/v1.0/users?$search=%22displayName%3Ao%27neil%5C%22%5C%5C%22%20OR%20%22mail%3Ao%27neil%5C%22%5C%5C%22%20OR%20%22userPrincipalName%3Ao%27neil%5C%22%5C%5C%22&$select=id,mail,userPrincipalName&$top=100",
        ),
        (
            Search::Teams,
            "https://graph.microsoft.com/v1.0/me/joinedTeams",
        ),
    ] {
        let request = search.request(&Cloud::Global).unwrap();
        assert_eq!(request.url.as_str(), url);
        assert!(!request.shown.contains('?'), "{request:?}");
    }
}

fn found(search: &Search, entries: &str) -> Vec<(String, String)> {
    let page = search.read(&answer(&format!("{{\"value\":[{entries}]}}")));
    let found = page.unwrap().found.into_iter();
    found.map(|one| (one.name, one.value)).collect()
}

#[test]
fn sites_are_named_by_their_address() {
    for (url, name, value) in [
        (
            "https://contoso.sharepoint.com",
            "contoso",
            "https://contoso.sharepoint.com/",
        ),
        (
            "https://contoso.sharepoint.com/sites/Intranet/",
            "intranet",
            "https://contoso.sharepoint.com/sites/Intranet",
        ),
        (
            "https://contoso.sharepoint.com/sites/Caf%C3%A9%20&%20Co",
            "café-co",
            "https://contoso.sharepoint.com/sites/Caf%C3%A9%20&%20Co",
        ),
        (
            "https://contoso.sharepoint.com/teams/..x..",
            "x",
            "https://contoso.sharepoint.com/teams/..x..",
        ),
    ] {
        let entry = format!("{{\"id\":\"a,b,c\",\"webUrl\":\"{url}\",\"displayName\":\"canary\"}}");
        let wanted = vec![(name.to_owned(), value.to_owned())];
        assert_eq!(found(&Search::Sites("x".into()), &entry), wanted, "{url}");
    }
    for none in [
        "https://contoso-my.sharepoint.com/personal/steve_contoso_com",
        "http://contoso.sharepoint.com/sites/a",
        "javascript:alert(1)",
        "",
    ] {
        let entry = format!("{{\"webUrl\":\"{none}\"}}");
        assert!(
            found(&Search::Sites("x".into()), &entry).is_empty(),
            "{none}"
        );
    }
}

#[test]
fn mailboxes_have_an_address_and_are_at_home() {
    let one = |mail: &str, name: &str, id: &str| {
        let entry = format!(
            "{{\"id\":\"{id}\",\"mail\":{mail},\"userPrincipalName\":\"{name}\",\"displayName\":\"canary\"}}"
        );
        found(&Search::Users("x".into()), &entry)
    };
    let steve = one(
        "\"s.j@contoso.com\"",
        "Steve.J@contoso.com",
        &ID.to_uppercase(),
    );
    assert_eq!(steve, [("steve.j".to_owned(), ID.to_owned())]);
    assert!(one("null", "steve@contoso.com", ID).is_empty());
    assert!(one("\"a@b.com\"", "a_b.com#EXT#@contoso.onmicrosoft.com", ID).is_empty());
    assert!(one("\"a@b.com\"", "a@b.com", "../../me").is_empty());
}

#[test]
fn teams_have_no_address_and_no_name_is_told() {
    let entry = format!("{{\"id\":\"{ID}\",\"displayName\":\"canary\"}}, null, {{\"id\":7}}");
    let wanted = [("team-7c0e0000".to_owned(), ID.to_owned())];
    assert_eq!(found(&Search::Teams, &entry), wanted);
}

#[test]
fn bounded() {
    let entries = vec![format!("{{\"id\":\"{ID}\"}}"); MOST_FOUND + 1].join(",");
    let page = Search::Teams.read(&answer(&format!("{{\"value\":[{entries}]}}")));
    let page = page.unwrap();
    assert_eq!((page.found.len(), page.more), (MOST_FOUND, true));
    let page = Search::Teams
        .read(&answer("{\"value\":[],\"@odata.nextLink\":\"https://x/\"}"))
        .unwrap();
    assert!(page.more && page.found.is_empty());
    for none in ["{}", "[]", "{\"value\":{}}", "{\"error\":{\"code\":\"x\"}}"] {
        assert!(Search::Teams.read(&answer(none)).is_err(), "{none}");
    }
}

#[test]
fn what_is_watched_already() {
    let account = Arc::new(fixtures::account("contoso"));
    let url = "https://contoso.sharepoint.com/sites/Intranet";
    let resource = fixtures::resource("intranet", &account, fixtures::site_at(url));
    let site = site("https://contoso.sharepoint.com/sites/intranet/").unwrap();
    assert!(site.is_watched_by(&resource, &account));
    let other = fixtures::account("another");
    assert!(!site.is_watched_by(&resource, &other));
}

proptest! {
    #[test]
    fn any_address_makes_a_name(text in "\\PC{0,100}") {
        let name = plain_name(&text);
        prop_assert!(!name.is_empty() && name.len() <= LONGEST_NAME);
        prop_assert!(!name.contains(['/', '\\', ' ', '"', '@']) && name != "..");
    }
}
