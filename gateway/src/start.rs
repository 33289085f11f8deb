//! The gateway's parts, started.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use alo_protocol::Limits;
use tokio::sync::watch;

use crate::{
    access::Restrictions,
    auth::SourceError,
    bus::LocalBus,
    clock::Clock,
    config::Config,
    erasure::Eraser,
    files::{self, Files},
    http,
    intake::Intake,
    limits::Limiter,
    live::LiveHost,
    metrics::Metrics,
    readers::LogReaders,
    store::{Log, OpenError, Opening, SqliteStore},
    writer::Writer,
};

/// Connections that read the log at the same time.
const READERS: usize = 2;

/// The gateway's parts, started.
pub struct Gateway {
    /// For the routes.
    pub state: http::State,
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
    Database(#[from] OpenError),
    /// The files cannot be used.
    #[error("the files: {0}")]
    Files(#[from] files::OpenError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] SourceError),
    /// What is revoked cannot be read.
    #[error("the restrictions: {0}")]
    Restrictions(String),
    /// The writing thread could not be started.
    #[error("the writing thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The address of the metrics cannot be used.
    #[error("--metrics-listen {0}: {1}")]
    MetricsListen(SocketAddr, std::io::Error),
}

impl Gateway {
    /// Opens the data and starts the writing thread. To be called in a runtime of tokio.
    ///
    /// # Errors
    /// When the data cannot be used.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let (clock, limits, bus) = (Clock::start(), Limits::DEFAULT, LocalBus::default());
        let metrics = Arc::new(Metrics::default());
        let store = SqliteStore::open(&config.database, &Opening::new(config.restored))?;
        let log: Arc<dyn Log> = Arc::new(store.log(READERS)?);
        let access = store.access()?;
        let files = Files::open(Arc::new(store.files()?), &config.blobs)?;
        let rows = Arc::new(store.erasure()?);
        let (writer, writer_thread) =
            Writer::start(Box::new(store), Arc::new(bus.clone()), metrics.clone())?;
        let metrics_listener = match config.intake.metrics_listen {
            Some(address) => Some(
                TcpListener::bind(address)
                    .map_err(|error| StartError::MetricsListen(address, error))?,
            ),
            None => None,
        };
        let (stop, stopping) = watch::channel(false);
        let tokens = Arc::new(config.keys.open()?);
        let restrictions = Restrictions::load(tokens.access().clone(), Arc::new(access))
            .map_err(|error| StartError::Restrictions(error.message))?;
        tokio::spawn(until_stopped(
            stopping.clone(),
            config.keys.clone().keep_fresh(tokens.clone()),
        ));
        let eraser = Eraser::new(
            writer.clone(),
            files.clone(),
            rows,
            restrictions.clone(),
            clock,
        );
        let live = LiveHost::new(bus.clone(), clock);
        tokio::spawn(until_stopped(stopping.clone(), live.clone().run()));
        let state = http::State {
            tokens,
            restrictions,
            clock,
            limits,
            limiter: Arc::new(Limiter::new(&config.limits)),
            origins: config.origins.clone(),
            files,
            file_limits: config.files.clone(),
            eraser,
            writer,
            log: LogReaders::new(log),
            bus,
            live,
            intake: Intake::new(&config.intake, &metrics),
            metrics_listener,
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

/// Does something until the gateway stops.
async fn until_stopped(mut stopping: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        // An error means that nothing can stop it any more: it ends with the process.
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = work => {}
    }
}
