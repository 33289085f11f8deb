//! `history` and `history.around`.

use alo_protocol::{ErrorBody, History, HistoryAround, HistoryPage};

use super::{Asked, Step};
use crate::{
    error::internal,
    store::{Query, Rows},
};

pub(super) fn page(asked: &Asked<'_>, params: History) -> Result<Step, ErrorBody> {
    asked.identity.authorize(&params.channel_id, asked.now_ms)?;
    Ok(Step::Read(Query::History(params), result))
}

pub(super) fn around(asked: &Asked<'_>, params: HistoryAround) -> Result<Step, ErrorBody> {
    asked.identity.authorize(&params.channel_id, asked.now_ms)?;
    Ok(Step::Read(Query::HistoryAround(params), result))
}

/// The page among the answers of the log.
///
/// # Errors
/// `internal` when the log has answered another query.
pub fn page_of(rows: Rows) -> Result<HistoryPage, ErrorBody> {
    match rows {
        Rows::Page(page) => Ok(page),
        Rows::Events(_) | Rows::Gap(_) | Rows::Counts(_) | Rows::Reads(_) => {
            Err(internal("history was answered with something else"))
        }
    }
}

fn result(rows: Rows) -> Result<String, ErrorBody> {
    serde_json::to_string(&page_of(rows)?).map_err(internal)
}
