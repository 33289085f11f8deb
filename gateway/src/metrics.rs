//! Counters for Prometheus.

use std::time::Duration;

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

/// What the gateway counts.
pub struct Metrics {
    registry: Registry,
    /// Open event connections.
    pub connections: Gauge,
    /// Items sent to event connections: pushes and replies.
    pub items_sent: Counter,
    /// Frames they were sent in.
    pub frames_sent: Counter,
    /// File bytes received.
    pub upload_bytes: Counter,
    /// Open TCP connections.
    pub sockets: Gauge,
    /// Bytes received that are not processed yet, beyond a few for each connection.
    pub buffered_bytes: Gauge,
    refused: Family<ReasonLabel, Counter>,
    closes: Family<ReasonLabel, Counter>,
    /// Uploads and downloads that are running.
    pub transfers: Gauge,
    messages: Counter,
    batch_size: Histogram,
    commit_seconds: Histogram,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("alo"),
            connections: Gauge::default(),
            items_sent: Counter::default(),
            frames_sent: Counter::default(),
            upload_bytes: Counter::default(),
            sockets: Gauge::default(),
            buffered_bytes: Gauge::default(),
            refused: Family::default(),
            transfers: Gauge::default(),
            closes: Family::default(),
            messages: Counter::default(),
            batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "connections",
            "Open event connections",
            metrics.connections.clone(),
        );
        registry.register(
            "items_sent",
            "Replies and pushes sent",
            metrics.items_sent.clone(),
        );
        registry.register(
            "frames_sent",
            "Frames they were sent in",
            metrics.frames_sent.clone(),
        );
        registry.register(
            "upload_bytes",
            "File bytes received",
            metrics.upload_bytes.clone(),
        );
        registry.register("sockets", "Open TCP connections", metrics.sockets.clone());
        registry.register(
            "buffered_bytes",
            "Bytes of unfinished messages and bodies",
            metrics.buffered_bytes.clone(),
        );
        registry.register(
            "refused_sockets",
            "TCP connections refused, as there were too many",
            metrics.refused.clone(),
        );
        registry.register(
            "transfers",
            "Uploads and downloads that are running",
            metrics.transfers.clone(),
        );
        registry.register(
            "closes",
            "Event connections closed by the gateway",
            metrics.closes.clone(),
        );
        registry.register(
            "messages_committed",
            "Messages stored",
            metrics.messages.clone(),
        );
        registry.register(
            "commit_batch_size",
            "Messages in one commit",
            metrics.batch_size.clone(),
        );
        registry.register(
            "commit_seconds",
            "Time one commit took",
            metrics.commit_seconds.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// Counts a commit of this many messages.
    pub fn committed(&self, messages: usize, took: Duration) {
        self.messages.inc_by(messages as u64);
        self.batch_size.observe(messages as f64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// The gateway closed a connection.
    pub fn closed(&self, reason: &'static str) {
        self.closes.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// A TCP connection was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabel { reason }).inc();
    }

    /// All in the text format of Prometheus.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
