//! `/v1/revocations`, and bans and mutes in a channel: what users may no longer do, said by the app's server.

use std::sync::Arc;

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};
use axum::{
    Json, Router,
    extract::{FromRef, Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    routing::{get, put},
};
use serde::{Deserialize, Serialize};

use super::{
    error::AppError,
    extract::{ChannelPath, Door, JsonBody, Platform},
};
use crate::{
    access::{Restriction, Restrictions, Target},
    audit,
    auth::check_user_id,
};

/// How long a revocation of tokens lasts that names no end: the longest life of a token, one year.
const TOKENS_MS: u64 = 365 * 24 * 60 * 60 * 1_000;
/// Maximum length of a reason, and of the id of a token, bytes.
const TEXT_BYTES: usize = 256;

/// What these handlers use.
#[derive(Clone)]
pub(super) struct Revoking {
    pub(super) door: Door,
    pub(super) restrictions: Restrictions,
}

impl FromRef<Revoking> for Door {
    fn from_ref(revoking: &Revoking) -> Self {
        revoking.door.clone()
    }
}

/// A restriction as the app's server writes and reads it. Times are Unix milliseconds.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a ChannelId>,
    since: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Whose tokens are revoked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    user_id: Option<String>,
    token_id: Option<String>,
    channel_id: Option<ChannelId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    user_id: Option<String>,
    token_id: Option<String>,
    channel_id: Option<ChannelId>,
    until: Option<u64>,
    reason: Option<String>,
}

/// The body of a ban or a mute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    until: Option<u64>,
    reason: Option<String>,
}

pub(super) fn router(revoking: Revoking) -> Router {
    Router::new()
        .route(
            "/v1/revocations",
            get(revocations).put(revoke).delete(unrevoke),
        )
        .merge(of_members("bans", Target::Ban))
        .merge(of_members("mutes", Target::Mute))
        .with_state(revoking)
}

/// The routes of one kind of restriction of users in a channel.
fn of_members(name: &'static str, kind: fn(ChannelId, Arc<str>) -> Target) -> Router<Revoking> {
    let list = move |State(revoking): State<Revoking>, _: Platform, channel: ChannelPath| async move {
        let ChannelPath(channel) = channel;
        revoking.list(name, |target| {
            let user = target.user();
            user.is_some_and(|user| *target == kind(channel.clone(), user.clone()))
        })
    };
    let restrict = move |State(revoking): State<Revoking>,
                         Platform(key): Platform,
                         path: Path<(String, String)>,
                         JsonBody(term): JsonBody<Term>| async move {
        let (channel, user) = member(path)?;
        revoking.put(&key, kind(channel, user), term).await
    };
    let release = move |State(revoking): State<Revoking>,
                        Platform(key): Platform,
                        path: Path<(String, String)>| async move {
        let (channel, user) = member(path)?;
        revoking.remove(&key, kind(channel, user)).await
    };
    let path = format!("/channels/{{channel_id}}/{name}");
    let member = format!("{path}/{{user_id}}");
    Router::new()
        .route(&path, get(list))
        .route(&member, put(restrict).delete(release))
}

async fn revocations(State(revoking): State<Revoking>, _: Platform) -> Json<serde_json::Value> {
    revoking.list("revocations", |target| match target {
        Target::User(_) | Target::Token(_) | Target::Channel(_) | Target::Member(..) => true,
        Target::Ban(..) | Target::Mute(..) => false,
    })
}

async fn revoke(
    State(revoking): State<Revoking>,
    Platform(key): Platform,
    JsonBody(body): JsonBody<Revocation>,
) -> Result<StatusCode, AppError> {
    let whose = Whose {
        user_id: body.user_id,
        token_id: body.token_id,
        channel_id: body.channel_id,
    };
    let target = whose.target()?;
    let term = Term {
        until: body.until,
        reason: body.reason,
    };
    revoking.put(&key, target, term).await
}

async fn unrevoke(
    State(revoking): State<Revoking>,
    Platform(key): Platform,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<StatusCode, AppError> {
    let Query(whose) =
        whose.map_err(|rejection| invalid(format!("query: {}", rejection.body_text())))?;
    revoking.remove(&key, whose.target()?).await
}

impl Revoking {
    fn list(&self, name: &str, wanted: impl Fn(&Target) -> bool) -> Json<serde_json::Value> {
        let now_ms = self.door.clock.now_ms();
        let listed = self.restrictions.access().judge(|view| {
            let wanted = view.active(now_ms).filter(|one| wanted(&one.target));
            wanted.map(|one| serde_json::json!(shown(one))).collect()
        });
        Json(serde_json::json!({name: serde_json::Value::Array(listed)}))
    }

    async fn put(&self, key: &str, target: Target, term: Term) -> Result<StatusCode, AppError> {
        let now_ms = self.door.clock.now_ms();
        if term
            .until
            .is_some_and(|until| until > Restriction::LATEST_MS)
        {
            return Err(invalid("until: must be before the year 10000").into());
        }
        let is_text = |text: &str| text.len() <= TEXT_BYTES && !text.chars().any(char::is_control);
        if !term.reason.as_deref().is_none_or(is_text) {
            let message =
                format!("reason: must have at most {TEXT_BYTES} bytes without control characters");
            return Err(invalid(message).into());
        }
        let default = match &target {
            Target::User(_) | Target::Token(_) | Target::Member(..) => {
                Some(now_ms.saturating_add(TOKENS_MS))
            }
            Target::Channel(_) | Target::Ban(..) | Target::Mute(..) => None,
        };
        let restriction = Restriction {
            target,
            since_ms: now_ms,
            until_ms: term.until.or(default),
            reason: term.reason,
        };
        self.restrictions.put(restriction.clone(), now_ms).await?;
        audit::restricted(key, &restriction);
        Ok(StatusCode::NO_CONTENT)
    }

    async fn remove(&self, key: &str, target: Target) -> Result<StatusCode, AppError> {
        let now_ms = self.door.clock.now_ms();
        if !self.restrictions.remove(target.clone(), now_ms).await? {
            return Err(AppError::new(
                ErrorCode::NotFound,
                "nothing like it is in force",
            ));
        }
        audit::released(key, &target);
        Ok(StatusCode::NO_CONTENT)
    }
}

impl Whose {
    fn target(self) -> Result<Target, ErrorBody> {
        if let Some(user) = &self.user_id {
            check_user_id("user_id", user)?;
        }
        match (self.user_id, self.token_id, self.channel_id) {
            (Some(user), None, None) => Ok(Target::User(user.into())),
            (Some(user), None, Some(channel)) => Ok(Target::Member(channel, user.into())),
            (None, None, Some(channel)) => Ok(Target::Channel(channel)),
            (None, Some(token), None) if (1..=TEXT_BYTES).contains(&token.len()) => {
                Ok(Target::Token(token.into()))
            }
            (None, Some(_), None) => Err(invalid(format!(
                "token_id: must have 1 to {TEXT_BYTES} bytes"
            ))),
            (_, Some(_), _) => Err(invalid("token_id: must stand alone")),
            (None, None, None) => Err(invalid("user_id: must be named, or token_id or channel_id")),
        }
    }
}

fn member(path: Path<(String, String)>) -> Result<(ChannelId, Arc<str>), ErrorBody> {
    let Path((channel, user)) = path;
    let channel = channel
        .parse()
        .map_err(|error| invalid(format!("channel_id: {error}")))?;
    check_user_id("user_id", &user)?;
    Ok((channel, user.into()))
}

fn shown(restriction: &Restriction) -> Shown<'_> {
    let target = &restriction.target;
    Shown {
        user_id: target.user().map(|user| &**user),
        token_id: target.token().map(|token| &**token),
        channel_id: target.channel(),
        since: restriction.since_ms,
        until: restriction.until_ms,
        reason: restriction.reason.as_deref(),
    }
}

fn invalid(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}
