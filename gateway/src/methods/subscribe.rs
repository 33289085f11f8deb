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
        asked.identity.authorize(&resume.id, asked.now_ms)?;
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

#[cfg(test)]
mod tests {
    use alo_protocol::{AuthRequest, AuthUser, ChannelId, Limits, Resume, Uuid};

    use super::*;
    use crate::auth::Tokens;

    /// The answer to a subscription to these, of a connection that may have three and has `a`.
    fn asked_for(names: &[&str]) -> Result<(), ErrorBody> {
        let channel = |name: &&str| name.parse::<ChannelId>().unwrap();
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
            limits: &Limits {
                channels_per_connection: 3,
                ..Limits::DEFAULT
            },
            tokens: &tokens,
            is_subscribed: &|channel| channel.as_str() == "a",
            subscriptions: 1,
            now_ms: 0,
            new_id: &mut |_| Uuid::from_bytes([1; 16]),
        };
        let resume = |name| Resume {
            id: channel(name),
            cursor: None,
        };
        let channels = names.iter().map(resume).collect();
        match subscribe(&asked, Subscribe { channels })? {
            Step::Subscribe(resumes) => assert_eq!(resumes.len(), names.len()),
            Step::Commit(..) | Step::Read(..) | Step::Unsubscribe(_) | Step::Identify(_) => {
                panic!("not a subscription")
            }
        }
        Ok(())
    }

    #[test]
    fn a_connection_has_so_many_channels_and_counts_each_once() {
        assert_eq!(asked_for(&["b", "c"]), Ok(()));
        assert_eq!(asked_for(&["a", "b", "c"]), Ok(()));
        for names in [&["b", "c", "d"][..], &["a", "b", "c", "d"]] {
            let error = asked_for(names).unwrap_err();
            assert_eq!(error.code, ErrorCode::TooManyRequests);
            assert_eq!(error.message, "channels: a connection may subscribe to 3");
        }
        let error = asked_for(&[]).unwrap_err();
        assert_eq!(error.message, "channels: must name at least one");
    }
}
