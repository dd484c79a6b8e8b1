//! What is written, read and removed, and what is not.

use http::HeaderMap;

use super::*;
use crate::kinds::ServiceError;
use crate::kinds::testing::{ScriptedAsk, answer, redirect, with_status};

const NAME: &str = "m365mon-0123456789abcdef.txt";
const SITE: &str =
    "https://graph.microsoft.com/v1.0/sites/contoso.sharepoint.com:/sites/monitoring:/drive";
const DOWNLOAD: &str =
    "https://contoso.sharepoint.com/sites/monitoring/_layouts/15/download.aspx?tempauth=canary";

fn kind() -> FileRoundTrip {
    FileRoundTrip {
        url: "https://contoso.sharepoint.com/sites/monitoring"
            .parse()
            .unwrap(),
        folder: "Monitoring/m365 mon".into(),
    }
}

fn file(content: Bytes) -> Answer {
    Answer::new(
        200,
        "text/plain".into(),
        content,
        ServiceError::default(),
        HeaderMap::new(),
    )
}

fn ours() -> Answer {
    file(content("0123456789abcdef"))
}

fn put() -> Answer {
    with_status(
        201,
        r#"{"id":"01AB","name":"canary","@microsoft.graph.downloadUrl":"https://x?tempauth=canary"}"#,
    )
}

fn nothing(status: u16) -> Answer {
    with_status(status, "")
}

fn empty() -> Answer {
    answer(r#"{"value":[]}"#)
}

fn asked(script: &ScriptedAsk) -> Vec<String> {
    let of = |(step, request): &(&'static str, Request)| {
        let url = request.url.as_str().replace(SITE, "");
        format!("{step} {} {url}", request.method.as_str())
            .trim()
            .to_owned()
    };
    script.sent().iter().map(of).collect()
}

#[tokio::test]
async fn there_and_back() {
    let mut script = ScriptedAsk::of([
        put(),
        redirect(302, DOWNLOAD),
        ours(),
        nothing(204),
        empty(),
    ]);
    script.probe(&kind()).await.unwrap();
    let folder = "/root:/Monitoring/m365%20mon";
    assert_eq!(
        asked(&script),
        [
            format!("put PUT {folder}/{NAME}:/content?@microsoft.graph.conflictBehavior=fail"),
            format!("get GET {folder}/{NAME}:/content"),
            format!("get GET {DOWNLOAD}"),
            "delete POST /items/01AB/permanentDelete".to_owned(),
            format!("GET {folder}:/children?$select=id,name,createdDateTime&$top=200"),
        ]
    );
    assert!(script.cleaning);
    let (_, download) = &script.sent()[2];
    assert!(download.audience.is_none());
    for (_, request) in script.sent() {
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
    }
    let body = script.sent()[0].1.body.as_ref().unwrap();
    assert_eq!(
        (body.content.len(), body.content_type),
        (SIZE, "text/plain")
    );
}

#[tokio::test]
async fn into_the_recycle_bin_where_nothing_else_is_allowed() {
    for status in [400, 403, 404, 405, 501] {
        let mut script = ScriptedAsk::of([put(), ours(), nothing(status), nothing(204), empty()]);
        script.probe(&kind()).await.unwrap();
        assert_eq!(asked(&script)[3], "delete DELETE /items/01AB", "{status}");
    }
}

#[tokio::test]
async fn another_file_came_back() {
    let other = file(Bytes::from_static(b"something else"));
    let mut script =
        ScriptedAsk::of([put(), redirect(302, DOWNLOAD), other, nothing(204), empty()]);
    let stopped = script.probe(&kind()).await.unwrap_err();
    assert!(matches!(
        stopped,
        Stopped::Judged {
            reason: Reason::BadResponse,
            ..
        }
    ));
    let removed = format!("DELETE /root:/Monitoring/m365%20mon/{NAME}");
    assert_eq!(asked(&script)[3], removed);
}

#[tokio::test]
async fn a_download_from_elsewhere_is_not_followed() {
    for (location, reason) in [
        (
            "https://elsewhere.example/x?tempauth=canary",
            Reason::BadResponse,
        ),
        ("https://contoso-my.sharepoint.com/x", Reason::BadResponse),
        ("https://contoso.sharepoint.com:8443/x", Reason::BadResponse),
        (
            "https://contoso.sharepoint.com@elsewhere.example/x",
            Reason::BadResponse,
        ),
        ("http://contoso.sharepoint.com/x", Reason::BadResponse),
        ("/sites/monitoring/x", Reason::BadResponse),
    ] {
        let mut script = ScriptedAsk::of([put(), redirect(302, location)]);
        match script.probe(&kind()).await {
            Err(Stopped::Judged {
                reason: found,
                sentence,
            }) => {
                assert_eq!(found, reason, "{location}");
                assert!(!sentence.contains("canary"));
            }
            other => panic!("{location}: {other:?}"),
        }
        assert!(!asked(&script).iter().any(|one| one.contains(location)));
    }
}

#[tokio::test]
async fn only_our_own_and_old_ones_are_cleared() {
    let children = answer(
        r#"{"value":[
        {"id":"1","name":"m365mon-aaaaaaaaaaaaaaaa.txt","createdDateTime":"2026-11-30T07:00:00Z"},
        {"id":"2","name":"m365mon-bbbbbbbbbbbbbbbb.txt","createdDateTime":"2026-11-30T07:00:00.1234567Z"},
        {"id":"3","name":"m365mon-cccccccccccccccc.txt"},
        {"id":"4","name":"m365mon-notes.txt","createdDateTime":"2020-01-01T00:00:00Z"},
        {"id":"5","name":"m365mon-dddddddddddddddd.docx","createdDateTime":"2020-01-01T00:00:00Z"},
        {"id":"6","name":"m365mon-eeeeeeeeeeeeeeee.txt","createdDateTime":"0001-01-01T00:00:00Z"},
        {"id":"7","name":"budget.xlsx","createdDateTime":"2020-01-01T00:00:00Z"},
        {"id":"9","name":"m365mon-upgrade on Friday.txt","createdDateTime":"2020-01-01T00:00:00Z"},
        {"id":null},null,
        {"id":"../8","name":"m365mon-ffffffffffffffff.txt","createdDateTime":"2026-11-30T06:58:00Z"}]}"#,
    );
    let mut script = ScriptedAsk::of([
        put(),
        ours(),
        nothing(204),
        children,
        nothing(204),
        nothing(403),
        nothing(204),
    ]);
    script.probe(&kind()).await.unwrap();
    assert_eq!(
        asked(&script)[4..],
        [
            "POST /items/1/permanentDelete",
            "POST /items/..%2F8/permanentDelete",
            "DELETE /items/..%2F8",
        ]
    );
}

/// Two places may share a folder: what the other one is still working with is not
/// taken away, however long a request may take there.
#[tokio::test]
async fn a_file_of_a_probe_under_way_elsewhere_stays() {
    for (timeout, minutes, removed) in [
        (10, 3, false),
        (10, 59, false),
        (10, 60, true),
        (900, 60, false),
        (900, 89, false),
        (900, 90, true),
    ] {
        let created = ScriptedAsk::of([]).now() - jiff::SignedDuration::from_mins(minutes);
        let children = answer(&format!(
            r#"{{"value":[{{"id":"1","name":"m365mon-aaaaaaaaaaaaaaaa.txt","createdDateTime":"{created}"}}]}}"#
        ));
        let mut script = ScriptedAsk::of([put(), ours(), nothing(204), children, nothing(204)]);
        script.timeout = Duration::from_secs(timeout);
        script.probe(&kind()).await.unwrap();
        let asked = asked(&script);
        assert_eq!(
            asked.len() == 5,
            removed,
            "{timeout} s, {minutes} min: {asked:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_looked_for_all_the_same() {
    let mut script = ScriptedAsk::with([Err(Stopped::Asked), Ok(nothing(404)), Ok(nothing(404))]);
    let stopped = script.probe(&kind()).await.unwrap_err();
    assert_eq!(stopped, Stopped::Asked);
    assert!(asked(&script)[1].starts_with("DELETE /root:/"));
}

#[tokio::test]
async fn an_answer_without_an_item_is_bad() {
    for body in ["{}", r#"{"error":{"code":"x"}}"#, "[]", ""] {
        let mut script = ScriptedAsk::of([with_status(201, body)]);
        let stopped = script.probe(&kind()).await.unwrap_err();
        assert!(matches!(stopped, Stopped::Bad(_)), "{body}");
    }
}

#[test]
fn folders() {
    for good in ["m365mon", "Monitoring/m365 mon", "Überwachung"] {
        assert_eq!(is_folder(good), Ok(()), "{good}");
    }
    for bad in [
        "", "/", "/m365mon", "m365mon/", "a//b", "..", "a/../b", "a:b", "a%2Fb", " a", "a\u{0}",
    ] {
        assert!(
            is_folder(bad).unwrap_err().contains("path of a folder"),
            "{bad}"
        );
    }
}
