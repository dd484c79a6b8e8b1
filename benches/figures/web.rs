//! Plain HTTP to the programs that are measured, over connections that stay
//! open, as Prometheus keeps them.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client.
#[derive(Clone)]
pub(crate) struct Web(Client<HttpConnector, Full<Bytes>>);

impl Web {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Status and body.
    pub(crate) async fn ask(
        &self,
        method: Method,
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> anyhow::Result<(u16, Bytes)> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        let answer = self.0.request(request).await.context("no answer")?;
        let status = answer.status().as_u16();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// The body of a page that must answer 200.
    pub(crate) async fn get(&self, address: SocketAddr, path: &str) -> anyhow::Result<String> {
        let (status, body) = self.ask(Method::GET, address, path, &[], "").await?;
        anyhow::ensure!(status == 200, "{path} answered {status}");
        Ok(String::from_utf8(body.to_vec())?)
    }

    /// `/metrics` as Prometheus asks for it.
    pub(crate) async fn scrape(&self, address: SocketAddr) -> anyhow::Result<String> {
        let accept = [("accept", "application/openmetrics-text;version=1.0.0")];
        let asked = self.ask(Method::GET, address, "/metrics", &accept, "");
        let (status, body) = asked.await?;
        anyhow::ensure!(status == 200, "/metrics answered {status}");
        Ok(String::from_utf8(body.to_vec())?)
    }

    /// Tells the control endpoint of the simulated tenant something.
    pub(crate) async fn tell(
        &self,
        control: SocketAddr,
        method: Method,
        path: &str,
        json: &str,
    ) -> anyhow::Result<()> {
        let kind = [("content-type", "application/json")];
        let (status, body) = self.ask(method, control, path, &kind, json).await?;
        let said = String::from_utf8_lossy(&body);
        anyhow::ensure!(
            (200..300).contains(&status),
            "{path} {json}: {status} {said}"
        );
        Ok(())
    }
}

/// A sample's value by the beginning of its line.
pub(crate) fn sample(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series))?;
    value(line)
}

/// The values of all samples of a name that carry `label`.
pub(crate) fn values<'a>(
    page: &'a str,
    name: &'a str,
    label: &'a str,
) -> impl Iterator<Item = f64> + 'a {
    page.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let rest = rest.strip_prefix('{').filter(|rest| rest.contains(label))?;
        value(rest.split_once("} ")?.1)
    })
}

fn value(rest: &str) -> Option<f64> {
    rest.trim_start().split(' ').next()?.parse().ok()
}
