//! A list that comes in pages: the link to the next is followed on its own host
//! and path only, so often at most, and while there is time.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ask::{Ask, Stopped};
use super::body::{self, next_page};
use super::lenient::{Lenient, all_of};
use super::{Answer, BadBody, Effort, Request, UNADDRESSED};

/// Items of another shape than wanted are left out.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    value: Vec<Lenient<T>>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Lenient<String>,
}

/// How a list is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages {
    /// The stage of the probe.
    pub(super) step: &'static str,
    /// What it is a list of, for people.
    pub(super) what: &'static str,
    /// Pages, at most.
    pub(super) most: usize,
    /// Between one page and the next.
    pub(super) pause: Duration,
    /// Requests after the list for which there has to be time.
    pub(super) then: u32,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Collected<T> {
    pub(super) items: Vec<T>,
    /// False if there is more, which was not followed: a count would be wrong.
    pub(super) whole: bool,
}

impl Pages {
    /// What the list takes: its first page, and more where there is time.
    pub(super) fn effort(self) -> Effort {
        let further = u32::try_from(self.most.saturating_sub(1)).unwrap_or(u32::MAX);
        Effort::ONE.and_up_to(further, self.pause)
    }

    /// The items of one page.
    pub(super) fn one<T: DeserializeOwned>(self, answer: &Answer) -> Result<Vec<T>, BadBody> {
        let page: Page<T> = body::object(self.what, answer)?;
        Ok(all_of(page.value).collect())
    }

    /// The items of all pages, or of the first so many.
    pub(super) async fn all<T: DeserializeOwned>(
        self,
        ask: &mut dyn Ask,
        first: Option<Request>,
    ) -> Result<Collected<T>, Stopped> {
        let mut request = first.ok_or(UNADDRESSED)?;
        let mut items = Vec::new();
        for page in 1..=self.most {
            let answer = ask.send(self.step, request.clone()).await?;
            let Page { value, next } = body::object::<Page<T>>(self.what, &answer)?;
            items.extend(all_of(value));
            let Some(link) = next.0 else {
                return Ok(Collected { items, whole: true });
            };
            match next_page(&request, &link) {
                Some(next) if page < self.most && ask.has_time(1 + self.then) => request = next,
                _ => break,
            }
            if !self.pause.is_zero() {
                ask.wait(self.pause).await;
            }
        }
        Ok(Collected {
            items,
            whole: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer};
    use crate::model::Cloud;

    const PAGES: Pages = Pages {
        step: "pages",
        what: "list of numbers",
        most: 3,
        pause: Duration::ZERO,
        then: 0,
    };
    const NEXT: &str = "https://graph.microsoft.com/v1.0/numbers?$skiptoken=x";

    fn page(next: &str) -> Answer {
        answer(&format!(
            r#"{{"@odata.nextLink":{next},"value":[1,null,2]}}"#
        ))
    }

    async fn read(answers: Vec<Answer>) -> (Collected<u8>, usize) {
        let mut script = ScriptedAsk::of(answers);
        let first = Request::of_graph(&Cloud::Global, "/numbers", "");
        let listed = PAGES.all(&mut script, first).await.unwrap();
        (listed, script.sent().len())
    }

    #[tokio::test]
    async fn links_are_followed_at_home_and_so_often_at_most() {
        let here = &format!("\"{NEXT}\"");
        for (answers, sent, whole) in [
            (vec![page("null")], 1, true),
            (vec![page(here), page("null")], 2, true),
            (
                vec![page(here), page(here), page(here), page(here)],
                3,
                false,
            ),
            (
                vec![page("\"https://elsewhere.example/v1.0/numbers\"")],
                1,
                false,
            ),
            (
                vec![page("\"http://graph.microsoft.com/v1.0/numbers\"")],
                1,
                false,
            ),
            (
                vec![page("\"https://graph.microsoft.com:8443/v1.0/numbers\"")],
                1,
                false,
            ),
            (
                vec![page("\"https://graph.microsoft.com/v1.0/me\"")],
                1,
                false,
            ),
            (
                vec![page("\"https://x@graph.microsoft.com/v1.0/numbers\"")],
                1,
                false,
            ),
            (vec![page("\"\"")], 1, false),
        ] {
            let (listed, asked) = read(answers.clone()).await;
            assert_eq!((asked, listed.whole), (sent, whole), "{answers:?}");
            assert_eq!(listed.items.len(), 2 * sent);
        }
    }

    /// A list that is too long for the interval is no failure of the service.
    #[tokio::test]
    async fn no_page_is_begun_that_would_not_end_in_time() {
        let here = format!("\"{NEXT}\"");
        for (in_time, then, sent, whole) in [
            (0, 0, 1, false),
            (1, 0, 2, false),
            (2, 0, 3, true),
            (2, 1, 2, false),
            (3, 1, 3, true),
        ] {
            let mut script = ScriptedAsk::of([page(&here), page(&here), page("null")]);
            script.further_in_time = in_time;
            let first = Request::of_graph(&Cloud::Global, "/numbers", "");
            let pages = Pages { then, ..PAGES };
            let listed: Collected<u8> = pages.all(&mut script, first).await.unwrap();
            assert_eq!((script.sent().len(), listed.whole), (sent, whole));
        }
    }

    #[tokio::test]
    async fn a_page_that_is_none_stops() {
        let first = Request::of_graph(&Cloud::Global, "/numbers", "");
        let mut script = ScriptedAsk::of([page(&format!("\"{NEXT}\"")), answer("{}")]);
        let stopped = PAGES.all::<u8>(&mut script, first).await.unwrap_err();
        assert_eq!(stopped, Stopped::Bad(BadBody::Shape(PAGES.what)));
    }
}
