//! The two clients against servers that do what servers, networks and proxies
//! do at their worst.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method};
use m365mon::http::{
    BodyEnd, FormValue, NetFailure, NetFailureKind, Network, ProbeAnswer, ProbeClient,
    ProbeFailure, ProbeRequest, SimpleBody, SimpleClient, SimpleRequest, UseProxy,
};
use m365mon::model::{ConnectionPolicy, IpVersion, Phase, Phases, Reason, Repeat, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use url::Url;

use crate::support::origin::{Ca, H1, H2, HOST, LONG, Origin, json, read_head, serve_http};

mod answers;
mod bodies;
mod connections;
mod failures;
mod hangs;
mod plain;
mod proxies;
mod reach;

const LIMIT: usize = 1000;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn get(connection: ConnectionPolicy) -> ProbeRequest {
    ProbeRequest {
        method: m365mon::model::Method::Get,
        body: bytes::Bytes::new(),
        url: Url::parse(&format!("https://{HOST}/lists?$top=1")).unwrap(),
        headers: HeaderMap::new(),
        connection,
        proxy: None,
        timeout: LONG,
        body_limit: LIMIT,
    }
}

async fn probe(network: &Network) -> Result<ProbeAnswer, Box<ProbeFailure>> {
    let client = ProbeClient::new(network).unwrap();
    client.send(get(ConnectionPolicy::New)).await
}

async fn failure(network: &Network) -> ProbeFailure {
    match probe(network).await {
        Ok(answer) => panic!("{answer:?}"),
        Err(failure) => *failure,
    }
}

fn refused() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
