//! What each method does, a file for each feature, without IO and without state: a request is read, checked,
//! and turned into a [`Step`] for the session. A feature adds a file here and an arm to [`step`].

// Deterministic: no clock, no randomness, no iteration order that differs between runs.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod auth;
pub mod counts;
pub mod history;
pub mod reads;
pub mod send;
pub mod subscribe;
pub mod typing;

use alo_protocol::{ChannelId, ErrorBody, Limits, Request, Uuid};
use subscribe::Wanted;

use crate::{
    auth::{Identity, Tokens},
    live::{Act, Who},
    store::{Change, Committed, Query, Rows},
};

/// What a request requires of the session.
pub enum Step {
    /// Make the change; its answer becomes the result.
    Commit(Change, fn(&Committed) -> String),
    /// Read; the rows become the result.
    Read(Query, fn(Rows) -> Result<String, ErrorBody>),
    /// Change what is live, or read it; its answer is the result.
    Live(Act),
    /// Subscribe to these channels, all or none.
    Subscribe(Vec<Wanted>),
    /// The same, each for itself.
    Resume(Vec<Wanted>),
    /// Unsubscribe from these channels.
    Unsubscribe(Vec<ChannelId>),
    /// The connection uses another token from now on.
    Identify(Identity),
}

/// What methods know about the connection.
pub struct Asked<'a> {
    /// The caller.
    pub identity: &'a Identity,
    /// User and device.
    pub who: &'a Who,
    /// What is accepted.
    pub limits: &'a Limits,
    /// To check another token.
    pub tokens: &'a Tokens,
    /// Whether the connection is subscribed to a channel.
    pub is_subscribed: &'a dyn Fn(&ChannelId) -> bool,
    /// How many channels it is subscribed to.
    pub channels: usize,
    /// Now.
    pub now_ms: u64,
    /// Makes an id from the time, for what the request creates.
    pub new_id: &'a mut dyn FnMut(u64) -> Uuid,
}

/// Checks a request and returns what is to be done.
///
/// # Errors
/// Why it is refused, naming what is wrong.
pub fn step(asked: Asked<'_>, request: Request) -> Result<Step, ErrorBody> {
    match request {
        Request::Subscribe(params) => subscribe::subscribe(&asked, params),
        Request::Resume(params) => subscribe::resume(&asked, params),
        Request::Unsubscribe(params) => Ok(Step::Unsubscribe(params.channel_ids)),
        Request::SendMessage(params) => send::send(asked, params),
        Request::History(params) => history::page(&asked, params),
        Request::HistoryAround(params) => history::around(&asked, params),
        Request::MessageCounts(params) => counts::counts(&asked, params),
        Request::MarkRead(params) => reads::mark(&asked, params),
        Request::Reads(params) => reads::counts(&asked, params),
        Request::AuthRefresh(params) => auth::refresh(&asked, &params),
        Request::StartTyping(params) => typing::start(&asked, params),
        Request::StopTyping(params) => typing::stop(&asked, params),
    }
}
