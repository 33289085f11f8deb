//! `read.mark` and `reads`.

use alo_protocol::{ChannelId, ErrorBody, MarkRead, Reads};

use super::{Asked, Step};
use crate::{
    error::internal,
    store::{Change, Mark, Query, Rows},
};

pub(super) fn mark(asked: &Asked<'_>, params: MarkRead) -> Result<Step, ErrorBody> {
    asked.identity.authorize(&params.channel_id, asked.now_ms)?;
    let mark = Mark {
        channel: params.channel_id,
        message: params.message_id,
        user: asked.identity.user(),
    };
    Ok(Step::Commit(Change::MarkRead(mark), |committed| {
        committed.message.to_string()
    }))
}

/// Each channel that is named must be readable; of those of the token, the others are left out.
pub(super) fn counts(asked: &Asked<'_>, params: Reads) -> Result<Step, ErrorBody> {
    let check = |id: &ChannelId| asked.identity.authorize(id, asked.now_ms);
    let channels = match params.channel_ids {
        Some(named) => {
            named.iter().try_for_each(check)?;
            named
        }
        None => {
            let all = asked.identity.channels.iter();
            all.filter(|id| check(id).is_ok()).cloned().collect()
        }
    };
    let user = asked.identity.user();
    Ok(Step::Read(Query::Reads { user, channels }, result))
}

fn result(rows: Rows) -> Result<String, ErrorBody> {
    match rows {
        Rows::Reads(counts) => serde_json::to_string(&counts).map_err(internal),
        Rows::Events(_) | Rows::Gap(_) | Rows::Page(_) | Rows::Counts(_) => {
            Err(internal("counts were answered with something else"))
        }
    }
}
