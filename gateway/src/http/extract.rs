//! The authenticated caller and checked parameters of a request. A handler takes these as arguments, so one
//! that serves without a check cannot be written by accident.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use alo_protocol::{ChannelId, ErrorBody, ErrorCode, Uuid};
use axum::{
    body::{Bytes, HttpBody},
    extract::{ConnectInfo, FromRef, FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::AppError;
use crate::{
    audit,
    auth::{Identity, Right, Tokens},
    clock::Clock,
    intake::{Meter, Patience},
    limits::{Address, Limiter},
};

/// Authenticates callers.
#[derive(Clone)]
pub struct Door {
    /// Tokens and the API key.
    pub tokens: Arc<Tokens>,
    /// Time, for the expiry of tokens.
    pub clock: Clock,
    /// How often what may be done.
    pub limiter: Arc<Limiter>,
}

impl Door {
    /// Where the client of a request is.
    fn address(&self, parts: &Parts) -> Address {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map_or(Address::Unknown, |ConnectInfo(peer)| {
            self.limiter.proxies().client(peer.ip(), &parts.headers)
        })
    }

    /// # Errors
    /// `too-many-requests` if the user makes too many requests for uploads.
    pub fn allow_upload(&self, user: &Arc<str>) -> Result<(), ErrorBody> {
        self.limiter.upload(user, self.clock.steady_ms())
    }

    /// Checks a key or token, unless too many wrong ones have come from where the request does.
    fn open<T>(
        &self,
        parts: &Parts,
        check: impl FnOnce(&str, u64) -> Result<T, ErrorBody>,
        write: fn(Option<IpAddr>, &str),
    ) -> Result<T, AppError> {
        let (key, now_ms) = (bearer(&parts.headers)?, self.clock.steady_ms());
        let address = self.address(parts);
        self.limiter.check(address, now_ms)?;
        check(key, self.clock.now_ms()).map_err(|error| {
            write(address.ip(), &error.message);
            // An expired token was right once.
            if error.code == ErrorCode::TokenInvalid {
                self.limiter.refused(address, now_ms);
            }
            error.into()
        })
    }
}

/// A user, by a token.
pub struct Caller(pub Identity);

/// The app's own server, by an API key with the right `auth`.
pub struct Issues;

/// The app's own server, by an API key with the right `platform`. It has the name of the key.
pub struct Platform(pub Arc<str>);

/// The app's own server, by an API key with the right `admin`. It has the name of the key.
pub struct Admin(pub Arc<str>);

/// A part of the path, percent-decoded.
pub struct Segment(pub String);

/// The channel in [`MESSAGES_PATH`].
pub struct ChannelPath(pub ChannelId);

/// Largest JSON body, bytes.
pub const BODY_BYTES: usize = 256 * 1024;

/// The messages of a channel, for the app's server.
pub const MESSAGES_PATH: &str = "/channels/{channel_id}/chat_messages";

/// The `Idempotency-Key` header, if there is one.
pub struct IdempotencyKey(pub Option<Uuid>);

/// A JSON body; an error names the field.
pub struct JsonBody<T>(pub T);

impl<S> FromRequestParts<S> for Caller
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let door = Door::from_ref(state);
        let verify = |token: &str, now_ms| door.tokens.verify(token, now_ms);
        door.open(parts, verify, audit::token_refused).map(Self)
    }
}

impl<S> FromRequestParts<S> for Issues
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        Door::from_ref(state).holder(parts, Right::Auth)?;
        Ok(Self)
    }
}

impl<S> FromRequestParts<S> for Platform
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let door = Door::from_ref(state);
        door.holder(parts, Right::Platform).map(Self)
    }
}

impl<S> FromRequestParts<S> for Admin
where
    Door: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let door = Door::from_ref(state);
        door.holder(parts, Right::Admin).map(Self)
    }
}

impl Door {
    /// The name of the API key of a request, which must have this right.
    fn holder(&self, parts: &Parts, right: Right) -> Result<Arc<str>, AppError> {
        let check = |key: &str, _| self.tokens.check_api_key(key, right);
        self.open(parts, check, audit::key_refused)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment))
            .map_err(|rejection| {
                AppError::new(
                    ErrorCode::InvalidArgument,
                    format!("path: {}", rejection.body_text()),
                )
            })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ChannelPath {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        let Segment(text) = Segment::from_request_parts(parts, state).await?;
        let wrong =
            |error| AppError::new(ErrorCode::InvalidArgument, format!("channel_id: {error}"));
        text.parse().map(Self).map_err(wrong)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AppError> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().and_then(|text| text.parse().ok());
        key.map(|key| Self(Some(key))).ok_or_else(|| {
            AppError::new(
                ErrorCode::InvalidArgument,
                "Idempotency-Key: must be a UUID",
            )
        })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let meter = request.extensions().get::<Arc<Meter>>().cloned();
        let patience = meter.as_ref().map_or(Patience::DEFAULT, |m| m.patience());
        let mut memory = meter.map(|meter| meter.reservation());
        if memory
            .as_mut()
            .is_some_and(|memory| !memory.grow(body_bytes(&request)))
        {
            return Err(AppError::new(
                ErrorCode::Unavailable,
                "too much is being received at once",
            ));
        }
        let body = timeout(patience.body, Bytes::from_request(request, state))
            .await
            .map_err(|_| AppError::new(ErrorCode::Unavailable, "body: took too long"))?
            .map_err(|rejection| {
                let code = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    ErrorCode::ContentTooLarge
                } else {
                    ErrorCode::MalformedFrame
                };
                ErrorBody::new(code, format!("body: {}", rejection.body_text()))
            })?;
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| AppError::new(ErrorCode::InvalidArgument, format!("body: {error}")))
    }
}

/// How large a body may become.
fn body_bytes(request: &Request) -> usize {
    let size = request.body().size_hint();
    size.upper()
        .map_or(BODY_BYTES, |bytes| (bytes as usize).min(BODY_BYTES))
}

fn bearer(headers: &HeaderMap) -> Result<&str, ErrorBody> {
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
