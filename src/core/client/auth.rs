//! The token: one fetch serves all calls that wait for it.

use super::Client;
use crate::core::{
    CallId, Error, Instant, Method, Output, Payload, Settled,
    connection::{Connection, Loss},
    in_flight::Purpose,
    text::concat,
};
use alo_protocol::ErrorCode;

impl<P: Payload> Client<P> {
    pub(super) fn wants_token(&self) -> bool {
        !self.token_calls.is_empty()
            || self.uploads.wants_token()
            || matches!(self.connection, Connection::AwaitingToken)
            || (self.token_renewable && self.connection.online().is_some())
    }

    pub(super) fn token_wanted(&mut self, call: CallId, refused: Option<String>) {
        if let Some(refused) = refused {
            self.token_refused(&refused);
        }
        match self.token.get() {
            Some(token) => {
                let token = token.to_owned();
                self.settle(call, Ok(Settled::Token(token)));
            }
            None if self.token_usable() => self.token_calls.push(call),
            None => self.settle(call, Err(token_expired())),
        }
    }

    /// A token passed as a string cannot be replaced after it was refused.
    pub(super) fn token_usable(&self) -> bool {
        self.token_renewable || self.token_refusals == 0
    }

    /// The gateway refused this token; the client may already have a newer one.
    pub(super) fn token_refused(&mut self, refused: &str) {
        if self.token.get() == Some(refused) {
            self.token.refuse();
            self.token_refusals += 1;
        }
    }

    /// When to fetch a token, if one is needed and none is being fetched.
    pub(super) fn fetch_due(&self) -> Option<Instant> {
        if self.token.fetch_deadline().is_some() {
            None
        } else if self.token.get().is_none() {
            self.wants_token().then_some(self.token_not_before)
        } else if self.token_renewable && self.connection.online().is_some() {
            let renew_at = self.token.renew_at()?;
            Some(renew_at.max(self.token_not_before))
        } else {
            None
        }
    }

    pub(super) fn pump_token(&mut self, now: Instant) {
        let is_late = |deadline: Instant| deadline <= now;
        if self.token.fetch_deadline().is_some_and(is_late) {
            let message = "authToken: took too long";
            self.no_token(now, Error::new(ErrorCode::TokenUnavailable, message));
        }
        if self.fetch_due().is_some_and(is_late) && self.token.start_fetch(now) {
            self.outputs.push_back(Output::FetchToken);
        }
    }

    pub(super) fn token_fetched(&mut self, now: Instant, result: Result<String, String>) {
        match result {
            Ok(token) => {
                self.token_failures = 0;
                for call in std::mem::take(&mut self.token_calls) {
                    self.settle(call, Ok(Settled::Token(token.clone())));
                }
                if let Some(socket) = self.connection.online() {
                    self.request(socket, Purpose::Refresh, Method::Refresh(token.clone()));
                }
                self.token.hold(token);
                if matches!(self.connection, Connection::AwaitingToken) {
                    self.open_socket(now);
                }
            }
            // A fetch that was given up may fail as well; that was reported already.
            Err(_) if self.token.fetch_deadline().is_none() => {}
            Err(reason) => {
                let error = Error::new(
                    ErrorCode::TokenUnavailable,
                    concat(&["authToken: ", &reason]),
                );
                self.no_token(now, error);
            }
        }
    }

    /// Fetching a token failed. A present one is kept: it is valid until it is refused or expires.
    fn no_token(&mut self, now: Instant, error: Error) {
        self.token.fetch_failed();
        self.token_failures += 1;
        for call in std::mem::take(&mut self.token_calls) {
            self.settle(call, Err(error.clone()));
        }
        if matches!(self.connection, Connection::AwaitingToken) {
            self.lost(now, Loss::NoToken(error));
        } else {
            self.token_not_before = now.plus(self.backoff.next(&mut self.rng));
        }
    }
}

/// The error of a token that cannot be renewed.
pub(super) fn token_expired() -> Error {
    Error::new(
        ErrorCode::TokenExpired,
        "authToken: the token is no longer accepted; pass a function to renew it",
    )
}
