//! `GET /channels/{channel_id}/chat_messages`: a page of a channel's messages, for the app's server.

use std::str::FromStr;

use alo_protocol::{
    ChannelId, DEFAULT_LIMIT, ErrorBody, ErrorCode, History, HistoryAround, PlatformMessages,
};
use axum::{
    Json, Router,
    extract::{FromRef, Query as QueryString, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
    routing::get,
};
use serde::Deserialize;

use super::{
    error::AppError,
    extract::{ChannelPath, Door, MESSAGES_PATH, Platform},
};
use crate::{methods::history::page_of, readers::LogReaders, store::Query};

/// What this handler uses.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) door: Door,
    pub(super) log: LogReaders,
}

impl FromRef<Reading> for Door {
    fn from_ref(reading: &Reading) -> Self {
        reading.door.clone()
    }
}

/// The query as text, so that an error names what is wrong.
#[derive(Deserialize)]
struct Params {
    limit: Option<String>,
    older_page_token: Option<String>,
    newer_page_token: Option<String>,
    around: Option<String>,
}

pub(super) fn router(reading: Reading) -> Router {
    Router::new()
        .route(MESSAGES_PATH, get(page))
        .with_state(reading)
}

async fn page(
    State(reading): State<Reading>,
    _: Platform,
    ChannelPath(channel_id): ChannelPath,
    params: Result<QueryString<Params>, QueryRejection>,
) -> Result<impl IntoResponse, AppError> {
    let QueryString(params) =
        params.map_err(|rejection| invalid(format!("query: {}", rejection.body_text())))?;
    let query = query(channel_id, &params)?;
    let rows = reading.log.read(query).await.map_err(renamed)?;
    let page = page_of(rows)?;
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(PlatformMessages {
            messages: page.messages,
            older_page_token: page.older_page_token,
            newer_page_token: page.newer_page_token,
        }),
    ))
}

fn query(channel_id: ChannelId, params: &Params) -> Result<Query, ErrorBody> {
    let limit = params.limit.as_deref().map(|text| {
        text.parse()
            .map_err(|_| invalid("limit: must be a whole number"))
    });
    let limit = limit.transpose()?.unwrap_or(DEFAULT_LIMIT);
    let older_page_token = read("older_page_token", params.older_page_token.as_deref())?;
    let newer_page_token = read("newer_page_token", params.newer_page_token.as_deref())?;
    let Some(message_id) = read("around", params.around.as_deref())? else {
        return Ok(Query::History(History {
            channel_id,
            limit,
            older_page_token,
            newer_page_token,
        }));
    };
    if older_page_token.is_some() || newer_page_token.is_some() {
        return Err(invalid("around: cannot stand beside a page token"));
    }
    Ok(Query::HistoryAround(HistoryAround {
        channel_id,
        message_id,
        limit,
    }))
}

fn read<T: FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, ErrorBody> {
    text.map(str::parse)
        .transpose()
        .map_err(|error| invalid(format!("{name}: {error}")))
}

fn invalid(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}

/// The arguments have other names over HTTP.
fn renamed(mut error: ErrorBody) -> ErrorBody {
    for (there, here) in [
        ("olderPageToken", "older_page_token"),
        ("newerPageToken", "newer_page_token"),
        ("messageId", "around"),
    ] {
        error.message = error.message.replace(there, here);
    }
    error
}
