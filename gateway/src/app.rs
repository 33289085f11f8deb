//! The gateway put together.

use std::{sync::Arc, thread, time::Duration};

use alo_protocol::{CONNECT_PATH, ErrorBody, ErrorCode, Limits};
use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    routing::get,
};
use tokio::sync::watch;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    auth::Tokens,
    clock::Clock,
    config::Config,
    error::AppError,
    files::{self, Files},
    hub::LocalBus,
    metrics::Metrics,
    origin::Origins,
    routes,
    store::{Log, Opening, PageLimit, SqliteStore},
    writer::Writer,
    ws,
};

/// Connections that read the log at the same time.
const READERS: usize = 2;
/// One page of the log.
pub const PAGE: PageLimit = PageLimit {
    events: 256,
    bytes: 1 << 20,
};
/// How long a browser may remember what CORS allows, seconds.
const CORS_MAX_AGE: u64 = 86_400;

/// What every request can use.
#[derive(Clone)]
pub struct AppState {
    /// Tokens and API key.
    pub tokens: Arc<Tokens>,
    /// Time.
    pub clock: Clock,
    /// What is accepted.
    pub limits: Limits,
    /// Who may connect.
    pub origins: Origins,
    /// Uploads.
    pub files: Files,
    /// How long a client may send nothing of an upload.
    pub upload_idle: Duration,
    /// Writes.
    pub writer: Writer,
    /// Reads.
    pub log: Arc<dyn Log>,
    /// Fan-out.
    pub bus: LocalBus,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Turns true when the gateway stops.
    pub stopping: watch::Receiver<bool>,
    /// Event connections that are open.
    pub open: watch::Sender<usize>,
}

/// The gateway's parts, started.
pub struct Gateway {
    /// For the routes.
    pub state: AppState,
    /// Set to true to close all connections.
    pub stop: watch::Sender<bool>,
    /// Ends when the last state is dropped and everything is written.
    pub writer_thread: thread::JoinHandle<()>,
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error("the database: {0}")]
    Database(#[from] crate::store::OpenError),
    /// The files cannot be used.
    #[error("the files: {0}")]
    Files(#[from] files::OpenError),
    /// The writing thread could not be started.
    #[error("the writing thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Gateway {
    /// Opens the data and starts the writing thread.
    ///
    /// # Errors
    /// When the data cannot be used.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let (clock, limits, bus) = (Clock::start(), Limits::DEFAULT, LocalBus::default());
        let metrics = Arc::new(Metrics::default());
        let store = SqliteStore::open(&config.database, &Opening::new(config.restored))?;
        let log: Arc<dyn Log> = Arc::new(store.log(READERS)?);
        let files = Files::open(Arc::new(store.files()?), &config.blobs)?;
        let (writer, writer_thread) = Writer::start(
            Box::new(store),
            log.clone(),
            Arc::new(bus.clone()),
            clock,
            metrics.clone(),
        )?;
        let (stop, stopping) = watch::channel(false);
        let state = AppState {
            tokens: Arc::new(Tokens::new(&config.api_key, config.jwt_secret.as_bytes())),
            clock,
            limits,
            origins: config.origins.clone(),
            files,
            upload_idle: config.upload_idle,
            writer,
            log,
            bus,
            metrics,
            stopping,
            open: watch::Sender::new(0),
        };
        Ok(Self {
            state,
            stop,
            writer_thread,
        })
    }
}

/// All routes.
pub fn app(state: AppState) -> Router {
    let routes = Router::new()
        .route(CONNECT_PATH, get(ws::connect))
        .merge(routes::router())
        .merge(files::router())
        .method_not_allowed_fallback(|| async {
            AppError::new(
                ErrorCode::MethodNotAllowed,
                "this address does not take this method",
            )
        })
        .fallback(|| async {
            AppError::new(ErrorCode::NotFound, "there is nothing at this address")
        })
        .layer(cors(state.origins.clone()));
    files::announced(routes).with_state(state)
}

/// The token or API key of a request.
///
/// # Errors
/// `token-missing`.
pub fn bearer(headers: &HeaderMap) -> Result<&str, ErrorBody> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            ErrorBody::new(
                ErrorCode::TokenMissing,
                "Authorization: must be `Bearer <token>`",
            )
        })
}

fn cors(origins: Origins) -> CorsLayer {
    const fn name(name: &'static str) -> HeaderName {
        HeaderName::from_static(name)
    }
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(
            move |origin: &HeaderValue, _: &Parts| origins.allows(origin),
        ))
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::RANGE,
            header::IF_RANGE,
            header::IF_NONE_MATCH,
            name("idempotency-key"),
            name("tus-resumable"),
            name("upload-length"),
            name("upload-offset"),
            name("upload-metadata"),
            name("upload-checksum"),
            name("upload-defer-length"),
        ])
        .expose_headers([
            header::LOCATION,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
            header::ACCEPT_RANGES,
            header::ETAG,
            name("tus-resumable"),
            name("tus-version"),
            name("tus-extension"),
            name("tus-max-size"),
            name("tus-checksum-algorithm"),
            name("upload-length"),
            name("upload-offset"),
            name("upload-expires"),
            name("upload-metadata"),
        ])
        .max_age(Duration::from_secs(CORS_MAX_AGE))
}
