//! `subscribe`.

use alo_protocol::{ErrorBody, ErrorCode, Subscribe};

use super::{Asked, Step};

/// All channels or none.
pub(super) fn subscribe(
    asked: &Asked<'_>,
    Subscribe { channels }: Subscribe,
) -> Result<Step, ErrorBody> {
    if channels.is_empty() {
        return Err(ErrorBody::new(
            ErrorCode::InvalidArgument,
            "channels: must name at least one",
        ));
    }
    for resume in &channels {
        asked.identity.authorize(&resume.id)?;
    }
    let new = channels
        .iter()
        .filter(|resume| !(asked.is_subscribed)(&resume.id))
        .count();
    let limit = asked.limits.channels_per_connection;
    if asked.subscriptions + new > limit as usize {
        let message = format!("channels: a connection may subscribe to {limit}");
        return Err(ErrorBody::new(ErrorCode::TooManyRequests, message));
    }
    Ok(Step::Subscribe(channels))
}
