//! Whether a client that chats noticed an attack, as a table.

use std::fmt::Write as _;

use crate::{attacks::Attack, chat::Chat};

/// The most that the delay of a message may grow, p99.
const DELAY: f64 = 3.0;
/// The most that the gateway's memory may grow, bytes.
const MEMORY: u64 = 128 << 20;

/// What happened.
pub struct Outcome {
    /// Before the attack.
    pub quiet: Chat,
    /// During the attack.
    pub attacked: Chat,
    /// The gateway's resident memory before the attack, bytes.
    pub before: u64,
    /// The most during the attack.
    pub peak: u64,
    /// Some seconds after it.
    pub after: u64,
}

/// All of them.
#[derive(Default)]
pub struct Report(Vec<(Attack, Outcome)>);

impl Outcome {
    fn delay(&self) -> f64 {
        self.attacked.delays[1] / self.quiet.delays[1]
    }

    const fn growth(&self) -> u64 {
        self.peak.saturating_sub(self.before)
    }

    fn is_within_bounds(&self) -> bool {
        self.delay() <= DELAY && self.growth() <= MEMORY && self.attacked.unhealthy == 0
    }

    fn cells(&self) -> [String; 6] {
        let milliseconds = |delay: f64| format!("{:.2}", delay / 1e3);
        let mebibytes = |bytes: u64| format!("{}", bytes >> 20);
        [
            milliseconds(self.quiet.delays[1]),
            milliseconds(self.attacked.delays[1]),
            format!("{:.1}", self.delay()),
            mebibytes(self.growth()),
            mebibytes(self.after.saturating_sub(self.before)),
            self.attacked.unhealthy.to_string(),
        ]
    }
}

const HEADS: [&str; 7] = [
    "attack",
    "quiet, ms",
    "attacked, ms",
    "ratio",
    "memory, MiB",
    "after, MiB",
    "unhealthy",
];

impl Report {
    /// Adds one and prints it.
    pub fn add(&mut self, attack: Attack, outcome: Outcome) {
        let verdict = if outcome.is_within_bounds() {
            "ok"
        } else {
            "OUT OF BOUNDS"
        };
        eprintln!(
            "{}: {} ({} messages, p50 {:.2} ms): {verdict}",
            attack.name(),
            outcome.cells().join(" | "),
            outcome.attacked.messages,
            outcome.attacked.delays[0] / 1e3,
        );
        self.0.push((attack, outcome));
    }

    /// Whether every delay and the memory stayed within bounds, and the gateway answered each request for its health.
    pub fn is_within_bounds(&self) -> bool {
        self.0.iter().all(|(_, outcome)| outcome.is_within_bounds())
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (cells, first) in self.rows() {
            let _ = write!(text, "{first:<16}");
            for (cell, head) in cells.iter().zip(&HEADS[1..]) {
                let _ = write!(text, "  {cell:>width$}", width = head.len());
            }
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "Bounds: the delay (p99) at most {DELAY} times, memory at most {} MiB more, always healthy.",
            MEMORY >> 20
        );
        text
    }

    /// For Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, (cells, first)) in self.rows().into_iter().enumerate() {
            let _ = writeln!(text, "| {first} | {} |", cells.join(" | "));
            if index == 0 {
                text.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
            }
        }
        text
    }

    fn rows(&self) -> Vec<([String; 6], String)> {
        let mut rows = vec![(
            std::array::from_fn(|index| HEADS[index + 1].to_owned()),
            HEADS[0].to_owned(),
        )];
        rows.extend(
            self.0
                .iter()
                .map(|(attack, outcome)| (outcome.cells(), attack.name())),
        );
        rows
    }
}
