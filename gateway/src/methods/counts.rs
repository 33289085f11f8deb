//! `counts`.

use alo_protocol::{ErrorBody, MessageCounts};

use super::{Asked, Step};
use crate::{
    error::internal,
    store::{Query, Rows},
};

pub(super) fn counts(asked: &Asked<'_>, params: MessageCounts) -> Result<Step, ErrorBody> {
    for channel in &params.channels {
        asked
            .identity
            .authorize(&channel.channel_id, asked.now_ms)?;
    }
    Ok(Step::Read(Query::Counts(params), result))
}

fn result(rows: Rows) -> Result<String, ErrorBody> {
    match rows {
        Rows::Counts(counts) => serde_json::to_string(&counts).map_err(internal),
        Rows::Events(_) | Rows::Gap(_) | Rows::Page(_) | Rows::Reads(_) => {
            Err(internal("counts were answered with something else"))
        }
    }
}
