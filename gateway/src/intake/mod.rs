//! What may come in before it is processed: how many connections, how many bytes, for how long.

mod budget;
mod flags;
mod meter;
mod seldom;
mod slots;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

pub use budget::{Budget, Reservation};
pub use flags::IntakeFlags;
pub use meter::{Answering, Cut, Meter};
pub use seldom::Seldom;
pub use slots::{Refusal, Slot, Slots};

use crate::metrics::Metrics;

/// Checked settings.
#[derive(Clone)]
pub struct IntakeConfig {
    /// Connections in total; `None` derives it from the limit of open files.
    pub connections: Option<usize>,
    /// Connections by address; 0 for no limit.
    pub per_address: usize,
    /// Which addresses are counted: proxies are not, as they connect for many.
    pub counts: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Bytes that may be buffered, of all connections together.
    pub buffered_bytes: usize,
    /// The separate address of `/metrics`.
    pub metrics_listen: Option<SocketAddr>,
    /// How long things may take.
    pub patience: Patience,
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self {
            connections: None,
            per_address: 8_192,
            counts: Arc::new(|address| !address.is_loopback()),
            buffered_bytes: 64 << 20,
            metrics_listen: None,
            patience: Patience::DEFAULT,
        }
    }
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the opening of a connection, or the first byte of a later request, to the end of the head.
    pub head: Duration,
    /// Between two requests. Longer than the 60 s that proxies keep a connection, so that it is they who close
    /// it: a request sent into a close would be lost.
    pub idle: Duration,
    /// From the first byte of a WebSocket message to its last.
    pub message: Duration,
    /// For a JSON body.
    pub body: Duration,
}

impl Patience {
    /// What a gateway has.
    pub const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        message: Duration::from_secs(30),
        body: Duration::from_secs(30),
    };
}

/// The running part: slots for connections, and the budget of bytes.
#[derive(Clone)]
pub struct Intake {
    slots: Slots,
    budget: Budget,
    patience: Patience,
}

impl Intake {
    /// By these settings.
    pub fn new(config: &IntakeConfig, metrics: &Arc<Metrics>) -> Self {
        let total = config.connections.unwrap_or_else(slots::by_open_files);
        Self {
            slots: Slots::new(
                total,
                config.per_address,
                config.counts.clone(),
                metrics.clone(),
            ),
            budget: Budget::new(config.buffered_bytes, metrics.buffered_bytes.clone()),
            patience: config.patience,
        }
    }

    /// The same with slots of their own, for a listener that must answer when all others are taken.
    #[must_use]
    pub fn reserved(&self, metrics: &Arc<Metrics>) -> Self {
        Self {
            slots: Slots::new(slots::RESERVED, 0, Arc::new(|_| false), metrics.clone()),
            ..self.clone()
        }
    }

    /// Admits a connection.
    ///
    /// # Errors
    /// When there is no slot for it.
    pub fn admit(&self, peer: IpAddr) -> Result<Arc<Meter>, Refusal> {
        let slot = self.slots.take(peer)?;
        Ok(Arc::new(Meter::new(
            slot,
            self.budget.clone(),
            self.patience,
        )))
    }
}
