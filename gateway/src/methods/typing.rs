//! `typing.start` and `typing.stop`.

use alo_protocol::{ChannelId, ErrorBody, StartTyping, StopTyping};

use super::{Asked, Step};
use crate::{
    live::{Act, What, Who},
    store::Change,
};

/// Only who may send types.
pub(super) fn start(asked: &Asked<'_>, params: StartTyping) -> Result<Step, ErrorBody> {
    let channel = params.channel_id;
    asked.identity.authorize_send(&channel, asked.now_ms)?;
    Ok(act(asked.who, channel, What::StartTyping))
}

/// Whoever may have started may stop: of a channel that may no longer be used nothing is revealed.
pub(super) fn stop(asked: &Asked<'_>, params: StopTyping) -> Result<Step, ErrorBody> {
    let channel = params.channel_id;
    asked.identity.authorize(&channel, asked.now_ms)?;
    Ok(act(asked.who, channel, What::StopTyping))
}

/// Who sends has stopped typing.
pub fn sent(who: &Who, change: &Change) -> Option<Act> {
    let Change::Send(draft) = change else {
        return None;
    };
    Some(Act {
        who: who.clone(),
        channel: draft.channel.clone(),
        what: What::StopTyping,
    })
}

fn act(who: &Who, channel: ChannelId, what: What) -> Step {
    let who = who.clone();
    Step::Live(Act { who, channel, what })
}
