//! `DELETE` of a message, a channel and a user, by the app's server. Answered when nothing of the content is left.

use alo_protocol::{ErrorCode, UserId, Uuid};
use axum::{
    Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    routing::delete,
};

use super::{
    error::AppError,
    extract::{Admin, ChannelPath, Door, Platform, Segment},
};
use crate::{audit, erasure::Eraser};

/// What these handlers use.
#[derive(Clone)]
pub(super) struct Erasing {
    pub(super) door: Door,
    pub(super) eraser: Eraser,
}

impl FromRef<Erasing> for Door {
    fn from_ref(erasing: &Erasing) -> Self {
        erasing.door.clone()
    }
}

pub(super) fn router(erasing: Erasing) -> Router {
    Router::new()
        .route(
            "/channels/{channel_id}/chat_messages/{message_id}",
            delete(message),
        )
        .route("/channels/{channel_id}", delete(channel))
        .route("/users/{user_id}", delete(user))
        .with_state(erasing)
}

async fn message(
    State(erasing): State<Erasing>,
    Platform(key): Platform,
    Path((channel_id, message_id)): Path<(String, String)>,
) -> Result<StatusCode, AppError> {
    let channel = channel_id
        .parse()
        .map_err(|error| wrong("channel_id", error))?;
    let message: Uuid = message_id
        .parse()
        .map_err(|error| wrong("message_id", error))?;
    audit::erased(&key, "message", &message_id);
    erasing.eraser.message(channel, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn channel(
    State(erasing): State<Erasing>,
    Admin(key): Admin,
    ChannelPath(channel): ChannelPath,
) -> Result<StatusCode, AppError> {
    audit::erased(&key, "channel", channel.as_str());
    erasing.eraser.channel(channel).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn user(
    State(erasing): State<Erasing>,
    Admin(key): Admin,
    Segment(user): Segment,
) -> Result<StatusCode, AppError> {
    let user: UserId = user.parse().map_err(|error| wrong("user_id", error))?;
    audit::erased(&key, "user", user.as_str());
    erasing.eraser.user(user).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn wrong(name: &str, error: impl std::fmt::Display) -> AppError {
    AppError::new(ErrorCode::InvalidArgument, format!("{name}: {error}"))
}
