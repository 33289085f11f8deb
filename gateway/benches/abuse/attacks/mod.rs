//! What attackers do, until they are stopped.

mod connections;
mod floods;
mod frames;
mod transfers;
mod uploads;

use std::time::Duration;

use clap::ValueEnum;
use futures_util::future::join_all;
use tokio::time::sleep;

use crate::Result;

/// What is attacked.
pub struct Target {
    /// Host and port.
    pub address: String,
    /// The attacker's own, for channel `a`.
    pub token: String,
}

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Attack {
    /// 2,000 sockets that say nothing, opened again when they are closed.
    Silence,
    /// 500 sockets that send half of an HTTP/2 preface.
    HalfPreface,
    /// 400 event sockets with 900 kB of a hello that never ends.
    Hellos,
    /// 5,000 event sockets by one token.
    Sockets,
    /// One socket that subscribes to the same channel 23,824 times, frame after frame.
    Subscribes,
    /// Four sockets that send as fast as they can.
    Sends,
    /// 16 sockets that request pages of 1,000 messages as fast as they can.
    Pages,
    /// 16 connections that try API keys.
    Keys,
    /// 16 connections of a page that is not allowed.
    Origins,
    /// 150 uploads of which all but a trickle has arrived.
    SlowUploads,
    /// 300 downloads that are not read.
    Downloads,
    /// Uploads with 360 kB of metadata.
    Metadata,
    /// Creations of uploads of 8 GiB.
    Creations,
    /// A body without end for an upload of ten bytes.
    Endless,
    /// Uploads byte by byte.
    Bytes,
}

impl Attack {
    /// As on the command line.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Attacks until killed.
pub async fn run(attack: Attack, target: &Target) {
    match attack {
        Attack::Silence => many(2_000, || connections::silence(target)).await,
        Attack::HalfPreface => many(500, || connections::half_preface(target)).await,
        Attack::Hellos => many(400, || frames::hello(target)).await,
        Attack::Sockets => many(5_000, || connections::socket(target)).await,
        Attack::Subscribes => many(1, || frames::subscribes(target)).await,
        Attack::Sends => many(4, || floods::sends(target)).await,
        Attack::Pages => many(16, || floods::pages(target)).await,
        Attack::Keys => many(16, || floods::keys(target)).await,
        Attack::Origins => many(16, || floods::origins(target)).await,
        Attack::SlowUploads => many(150, || transfers::upload(target)).await,
        Attack::Downloads => transfers::downloads(target).await,
        Attack::Metadata => many(8, || uploads::metadata(target)).await,
        Attack::Creations => many(8, || uploads::creations(target)).await,
        Attack::Endless => many(4, || uploads::endless(target)).await,
        Attack::Bytes => many(4, || uploads::bytes(target)).await,
    }
}

/// Does it so many times at once, each again when it ends or fails.
async fn many<F: Future<Output = Result<()>>>(count: usize, attempt: impl Fn() -> F) {
    let attempt = &attempt;
    join_all((0..count).map(|_| async move {
        loop {
            // A refusal is what an attacker must expect.
            if attempt().await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        }
    }))
    .await;
}
