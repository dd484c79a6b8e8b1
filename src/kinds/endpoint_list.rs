//! `endpoint_list`: which version of Microsoft's list of addresses is published?
//! Firewalls are configured from it. No account is needed, and nothing of a
//! tenant is sent.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::ask::{Answer, Ask, Findings};
use super::body;
use super::key::OneOf;
use super::reading::{Reading, ReadingUnit};
use super::{
    Advice, AnyKey, BadBody, Define, Impact, Info, Key, Keys, Permission, ProbeFuture, Refused,
    Remedy, Request, Setting, Spec, UNADDRESSED,
};
use crate::model::{Account, Audience, Provider, Reason, Sample, Service};

/// Microsoft's list of addresses, for one of its clouds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointList {
    /// As Microsoft's web service calls it.
    instance: &'static str,
}

static INSTANCE: Key<OneOf<&'static str>> = Key::optional(
    "instance",
    OneOf(&[
        ("worldwide", "Worldwide"),
        ("usgov_dod", "USGovDoD"),
        ("usgov_gcc_high", "USGovGCCHigh"),
        ("china", "China"),
    ]),
    "`worldwide`",
    "For which of Microsoft's clouds.",
);
static KEYS: &[&dyn AnyKey] = &[&INSTANCE];

const HOST: &str = "endpoints.office.com";

const VERSION: u8 = 0;
static READINGS: &[Reading] = &[Reading {
    metric: "m365_endpoint_list_version",
    unit: ReadingUnit::None,
    labels: &[],
    help: "The version of Microsoft's published list of addresses: year, month, day and a number of two digits.",
    most: 1,
}];

#[derive(Deserialize)]
struct Published {
    latest: String,
}

impl Define for EndpointList {
    const INFO: &'static Info = &Info {
        name: "endpoint_list",
        title: "Microsoft's endpoint list",
        help: "Asks for the version of Microsoft's published list of addresses.",
        proves: "The list is there; its version is a reading, and a new one is a task for whoever keeps the firewall.",
        proves_not: "That the firewall lets these addresses through.",
        holds: "version",
        keys: KEYS,
        service: Service::Host,
        readings: READINGS,
        // Microsoft Learn, "Office 365 IP Address and URL web service": not
        // oftener than once an hour.
        interval: Some(Duration::from_secs(3_600)),
        least_interval: Some(Duration::from_secs(3_600)),
        impact: Impact::Housekeeping,
        needs_account: false,
        example: "{name: endpoint-list, kind: endpoint_list, instance: worldwide}",
        ..Info::USUAL
    };

    fn read(keys: &dyn Keys, _: Option<&Account>) -> Option<Self> {
        let instance = INSTANCE.take(keys).or("Worldwide")?;
        Some(Self { instance })
    }
}

impl Spec for EndpointList {
    fn target(&self) -> Cow<'_, str> {
        self.instance.into()
    }

    fn settings(&self) -> Vec<(&'static str, Setting)> {
        vec![INSTANCE.show(&self.instance)]
    }

    fn audience(&self, _: &Account) -> Option<Audience> {
        None
    }

    fn subject<'a>(&'a self, _: &'a Account) -> Option<Cow<'a, str>> {
        Some(HOST.into())
    }

    fn host(&self, _: &Account) -> String {
        HOST.to_owned()
    }

    fn permissions(&self, _: &Account) -> Vec<Permission> {
        Vec::new()
    }

    /// It names the machine, so that it is made when it is sent.
    fn request(&self, _: &Account) -> Option<Request> {
        None
    }

    fn judge(&self, answer: &Answer) -> Result<Findings, BadBody> {
        let published: Published = body::object(Self::INFO.holds, answer)?;
        let digits = published.latest.bytes().all(|b| b.is_ascii_digit());
        let version = published.latest.parse::<u32>().ok();
        let version = version.filter(|_| digits && published.latest.len() == 10);
        let version = version.ok_or(BadBody::Shape(Self::INFO.holds))?;
        Ok(Findings::of([Sample::plain(VERSION, version.into())]))
    }

    fn advise(&self, _: &Account, refused: &Refused<'_>) -> Option<Advice> {
        let says = match refused.reason {
            Reason::NotFound => "Microsoft publishes no list by this name; check `instance`",
            Reason::Forbidden | Reason::Rejected => {
                "Microsoft's web service refuses the question, or something on the way to it does"
            }
            _ => return None,
        };
        Some(Advice::say(says).with(vec![Remedy::say(format!(
            "does a browser get https://{HOST}/version from here?"
        ))]))
    }

    fn probe<'a>(&'a self, _: &'a Account, ask: &'a mut dyn Ask) -> ProbeFuture<'a> {
        Box::pin(async move {
            let at = format!("https://{HOST}/version/{}", self.instance);
            let mut url = Url::parse(&at).map_err(|_| UNADDRESSED)?;
            url.set_query(Some(&format!("clientrequestid={}", ask.machine())));
            let shown = format!("{at}?clientrequestid=…");
            let request = Request::get(url, shown, Provider::Microsoft);
            Ok(self.judge(&ask.send("", request).await?)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::testing::{ScriptedAsk, answer, value};

    const WORLDWIDE: EndpointList = EndpointList {
        instance: "Worldwide",
    };

    #[tokio::test]
    async fn a_version_for_this_machine() {
        let mut script =
            ScriptedAsk::of([answer(r#"{"instance":"Worldwide","latest":"2026113000"}"#)]);
        let found = script.probe(&WORLDWIDE).await.unwrap().readings;
        assert_eq!(value(&found, VERSION, &[]), Some(2_026_113_000.0));
        let [("", request)] = script.sent() else {
            panic!("one request");
        };
        assert_eq!(
            request.url.as_str(),
            "https://endpoints.office.com/version/Worldwide?clientrequestid=b10c5ed1-bad1-445f-b386-b919946339a7"
        );
        assert!(request.audience.is_none());
        assert!(!request.shown.contains("b10c5ed1"), "{}", request.shown);
    }

    #[test]
    fn what_is_no_version() {
        for body in [
            "{}",
            "[]",
            r#"[{"instance":"Worldwide","latest":"2026113000"}]"#,
            r#"{"latest":null}"#,
            r#"{"latest":2026113000}"#,
            r#"{"latest":"20261130"}"#,
            r#"{"latest":"+202611300"}"#,
            r#"{"latest":"soon"}"#,
        ] {
            assert!(WORLDWIDE.judge(&answer(body)).is_err(), "{body}");
        }
    }
}
