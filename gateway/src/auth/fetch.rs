//! Loads the keys of the app's issuer in the background, and keeps them fresh.

use std::{fmt, io, net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use axum::http::{StatusCode, Uri, uri::Scheme};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::time::{error::Elapsed, sleep, timeout};

use super::{
    issuer::Issuer,
    jwks::{KeySet, KeySetError},
};

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum size of a key set, bytes.
const SET_BYTES: usize = 256 * 1024;
/// The longest wait after a failed fetch.
const RETRY: Duration = Duration::from_secs(60);

/// Where a key set is fetched: over https, or from this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct JwksUrl(Uri);

/// How often keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between regular fetches.
    pub refresh: Duration,
    /// Between any two: when tokens name unknown keys, and after the first failure.
    pub gap: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(5 * 60),
            gap: Duration::from_secs(5),
        }
    }
}

impl FromStr for JwksUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("it is no URL: {error}"))?;
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it must have no user name".to_owned());
        }
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        if is_secure || uri.scheme() == Some(&Scheme::HTTP) && is_local(authority.host()) {
            Ok(Self(uri))
        } else {
            Err("it must begin with https://, unless it is on this machine".to_owned())
        }
    }
}

fn is_local(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for JwksUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without a query, in which there may be a key.
        f.write_str(self.0.host().unwrap_or_default())
    }
}

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("it took longer than {} s", PATIENCE.as_secs())]
    Slow(#[from] Elapsed),
    #[error(transparent)]
    Http(#[from] legacy::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer broke, or has more than {SET_BYTES} bytes: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Set(#[from] KeySetError),
}

/// It follows no redirect: that would let another host name the keys.
type Client = legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Fetches the keys at once, regularly, and when a token names an unknown one. Does not end.
///
/// # Errors
/// When this machine knows no authorities for https.
pub(super) async fn keep_fresh(
    issuer: &Issuer,
    JwksUrl(url): &JwksUrl,
    pace: Pace,
) -> io::Result<()> {
    let client = client(url)?;
    let (mut wait, mut is_regular) = (pace.gap, true);
    loop {
        let asked = issuer.begin_fetch();
        match fetch(&client, url).await {
            Ok(set) => {
                tracing::debug!(keys = set.len(), "the issuer's keys were fetched");
                issuer.fetched(set, asked, is_regular);
                wait = pace.refresh;
            }
            Err(error) => {
                tracing::warn!(%error, host = url.host(), "the issuer's keys could not be fetched");
                issuer.fetch_failed(asked);
                wait = if wait == pace.refresh {
                    pace.gap
                } else {
                    (wait * 2).min(RETRY)
                };
            }
        }
        sleep(pace.gap).await;
        is_regular = tokio::select! {
            () = sleep(wait.saturating_sub(pace.gap)) => true,
            () = issuer.wants() => false,
        };
    }
}

fn client(url: &Uri) -> io::Result<Client> {
    let builder = HttpsConnectorBuilder::new();
    let provider = ring::default_provider();
    let connector = if url.scheme() == Some(&Scheme::HTTPS) {
        let builder = builder.with_provider_and_native_roots(provider)?;
        builder.https_only().enable_http1().build()
    } else {
        // On this machine: no authority is trusted, as none is needed.
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let builder = builder.with_tls_config(config);
        builder.https_or_http().enable_http1().build()
    };
    // A connection that is kept could be closed just when it is used next.
    let mut client = legacy::Client::builder(TokioExecutor::new());
    Ok(client.pool_max_idle_per_host(0).build(connector))
}

async fn fetch(client: &Client, url: &Uri) -> Result<KeySet, FetchError> {
    timeout(PATIENCE, async {
        let response = client.get(url.clone()).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), SET_BYTES).collect();
        let body = body.await.map_err(FetchError::Body)?.to_bytes();
        Ok(KeySet::parse(&body)?)
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in [
            "https://id.example.com/jwks.json",
            "http://localhost:80/a",
            "http://127.0.0.1:8080/a",
            "http://[::1]/a",
        ] {
            assert!(good.parse::<JwksUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com/jwks.json",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "file:///etc/passwd",
            "ftp://localhost/",
            "/jwks.json",
            "http://localhost@id.example.com/",
            "https://ada:secret@id.example.com/",
        ] {
            assert!(bad.parse::<JwksUrl>().is_err(), "{bad}");
        }
    }
}
