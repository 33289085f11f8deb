//! `subscribe` and `resume`.

use alo_protocol::{ChannelId, ChannelStart, ErrorBody, ErrorCode, Resume, Subscribe};

use super::{Asked, Step};

/// A channel that a request names.
#[derive(Debug)]
pub struct Wanted {
    /// The channel, and from where on.
    pub start: ChannelStart,
    /// Why it may not be read.
    pub refused: Option<ErrorBody>,
}

impl Wanted {
    /// The channel, if it may be read.
    pub fn permitted(&self) -> Option<&ChannelId> {
        self.refused.is_none().then_some(&self.start.id)
    }
}

/// All channels or none.
pub(super) fn subscribe(
    asked: &Asked<'_>,
    Subscribe { channels }: Subscribe,
) -> Result<Step, ErrorBody> {
    if channels.is_empty() {
        return Err(invalid("channels: must name at least one".to_owned()));
    }
    for start in &channels {
        asked.identity.authorize_log(&start.id, asked.now_ms)?;
    }
    let permitted = |start| Wanted {
        start,
        refused: None,
    };
    let wanted = limited(asked, channels.into_iter().map(permitted).collect())?;
    Ok(Step::Subscribe(wanted))
}

/// Each channel for itself.
pub(super) fn resume(asked: &Asked<'_>, Resume { channels }: Resume) -> Result<Step, ErrorBody> {
    let judged = |start: ChannelStart| Wanted {
        refused: asked.identity.authorize_log(&start.id, asked.now_ms).err(),
        start,
    };
    let wanted = limited(asked, channels.into_iter().map(judged).collect())?;
    Ok(Step::Resume(wanted))
}

fn limited(asked: &Asked<'_>, wanted: Vec<Wanted>) -> Result<Vec<Wanted>, ErrorBody> {
    let is_new = |id: &&ChannelId| !id.is_own() && !(asked.is_subscribed)(id);
    let new = wanted
        .iter()
        .filter_map(Wanted::permitted)
        .filter(is_new)
        .count();
    let limit = asked.limits.channels_per_connection;
    if asked.channels + new > limit as usize {
        let message = format!("channels: a connection may subscribe to {limit}");
        return Err(invalid(message));
    }
    Ok(wanted)
}

fn invalid(message: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use alo_protocol::{AuthRequest, AuthUser, ChannelId, Limits, Uuid};

    use super::*;
    use crate::{auth::Tokens, live::Who};

    /// The answer to a subscription to these, of a connection that may have three and has `a`.
    fn asked_for(names: &[&str]) -> Result<(), ErrorBody> {
        let channel = |name: &&str| ChannelId::of_log(name).unwrap();
        let tokens = Tokens::new("key", b"secret");
        let request = AuthRequest {
            ttl: 1,
            user: AuthUser { id: "ada".into() },
            channel_ids: ["a", "b", "c", "d"].iter().map(channel).collect(),
        };
        let token = tokens.issue(&request, 0, Uuid::from_bytes([1; 16]));
        let identity = tokens.verify(&token, 0).unwrap();
        let asked = Asked {
            identity: &identity,
            who: &Who {
                user: "ada".into(),
                device: "1".into(),
            },
            limits: &Limits {
                channels_per_connection: 3,
                ..Limits::DEFAULT
            },
            tokens: &tokens,
            is_subscribed: &|channel| channel.as_str() == "a",
            channels: 1,
            now_ms: 0,
            new_id: &mut |_| Uuid::from_bytes([1; 16]),
        };
        let start = |name| ChannelStart {
            id: channel(name),
            cursor: None,
        };
        let channels = names.iter().map(start).collect();
        match subscribe(&asked, Subscribe { channels })? {
            Step::Subscribe(wanted) => assert_eq!(wanted.len(), names.len()),
            Step::Commit(..)
            | Step::Read(..)
            | Step::Live(_)
            | Step::Resume(_)
            | Step::Unsubscribe(_)
            | Step::Identify(_) => {
                panic!("not a subscription")
            }
        }
        Ok(())
    }

    #[test]
    fn a_connection_has_so_many_channels_and_counts_each_once() {
        assert_eq!(asked_for(&["b", "c"]), Ok(()));
        assert_eq!(asked_for(&["a", "b", "c"]), Ok(()));
        assert_eq!(asked_for(&["", "b", "c"]), Ok(()), "the own log is none");
        for names in [&["b", "c", "d"][..], &["a", "b", "c", "d"]] {
            let error = asked_for(names).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument);
            assert_eq!(error.message, "channels: a connection may subscribe to 3");
        }
        let error = asked_for(&[]).unwrap_err();
        assert_eq!(error.message, "channels: must name at least one");
    }
}
