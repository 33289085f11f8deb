//! `message.send`.

use std::sync::Arc;

use alo_protocol::{ErrorBody, ErrorCode, Limits, METADATA_DEPTH, SendMessage, Uuid};

use super::{Asked, Step};
use crate::store::{Change, Committed, Draft};

pub(super) fn send(asked: Asked<'_>, params: SendMessage) -> Result<Step, ErrorBody> {
    asked
        .identity
        .authorize_send(&params.channel_id, asked.now_ms)?;
    let user_id = asked.identity.user_id.clone();
    let id = (asked.new_id)(asked.now_ms);
    let change = change(asked.limits, user_id, params, id, asked.now_ms)?;
    Ok(Step::Commit(change, |Committed { message, .. }| {
        format!(r#"{{"message":{message}}}"#)
    }))
}

/// The change that stores a message, sent over the socket or over HTTP; `id` becomes the message's.
///
/// # Errors
/// `content-too-large` or `invalid-argument`, naming what is wrong.
pub fn change(
    limits: &Limits,
    user_id: Arc<str>,
    message: SendMessage,
    id: Uuid,
    now_ms: u64,
) -> Result<Change, ErrorBody> {
    check(&message, limits)?;
    let SendMessage {
        key,
        channel_id,
        content,
        metadata,
        parent_id,
        file_ids,
    } = message;
    Ok(Change::Send(Draft {
        id,
        key,
        channel: channel_id,
        user_id,
        content,
        metadata,
        parent_id,
        file_ids,
        now_ms,
    }))
}

fn check(message: &SendMessage, limits: &Limits) -> Result<(), ErrorBody> {
    let too_large = |name: &str, limit: u32| {
        Err(ErrorBody::new(
            ErrorCode::ContentTooLarge,
            format!("{name}: must be at most {limit} bytes"),
        ))
    };
    if message.content.len() > limits.content_bytes as usize {
        return too_large("content", limits.content_bytes);
    }
    if message
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.get().len() > limits.metadata_bytes as usize)
    {
        return too_large("metadata", limits.metadata_bytes);
    }
    if message
        .metadata
        .as_ref()
        .is_some_and(|metadata| depth(metadata.get()) > METADATA_DEPTH)
    {
        let text = format!("metadata: must be nested at most {METADATA_DEPTH} levels deep");
        return Err(ErrorBody::new(ErrorCode::InvalidArgument, text));
    }
    if message.file_ids.len() > limits.files_per_message as usize {
        let text = format!("files: a message may have {}", limits.files_per_message);
        return Err(ErrorBody::new(ErrorCode::InvalidArgument, text));
    }
    Ok(())
}

/// How many objects and lists of a JSON text are within each other; members' own parsers and `structuredClone`
/// have a limited stack. Not recursive itself.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0_usize, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // What follows is no quote, whatever it is.
            b'\\' => drop(bytes.next()),
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(content: usize, metadata: &str, files: usize) -> SendMessage {
        let key = Uuid::from_bytes([1; 16]);
        SendMessage {
            key,
            channel_id: "a".parse().unwrap(),
            content: "x".repeat(content),
            metadata: Some(serde_json::from_str(metadata).unwrap()),
            parent_id: None,
            file_ids: vec![key; files],
        }
    }

    fn change_of(content: usize, metadata: usize, files: usize) -> Result<Change, ErrorBody> {
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(metadata - 8));
        let message = message(content, &json, files);
        let limits = Limits {
            content_bytes: 20,
            metadata_bytes: 10,
            files_per_message: 2,
            ..Limits::DEFAULT
        };
        change(&limits, "ada".into(), message, Uuid::from_bytes([1; 16]), 0)
    }

    #[test]
    fn a_message_may_be_as_large_as_its_limits_and_no_larger() {
        assert!(change_of(20, 10, 2).is_ok());
        for (content, metadata, files, why) in [
            (21, 10, 2, "content: must be at most 20 bytes"),
            (20, 11, 2, "metadata: must be at most 10 bytes"),
            (20, 10, 3, "files: a message may have 2"),
        ] {
            assert_eq!(
                change_of(content, metadata, files).unwrap_err().message,
                why
            );
        }
    }

    #[test]
    fn depth_is_that_of_objects_and_lists_outside_of_strings() {
        for (json, deep) in [
            ("1", 0),
            ("{}", 1),
            (r#"{"a":[1,{"b":[]}]}"#, 4),
            (r#"[[],[],{"a":{}}]"#, 3),
            (r#"{"a":"[[[["}"#, 1),
            (r#"{"\\":{"\"[[":"\"]]{{"}}"#, 2),
        ] {
            assert_eq!(depth(json), deep, "{json}");
        }
    }

    #[test]
    fn metadata_is_nested_so_deep_and_no_deeper() {
        let nested = |levels: usize| {
            let (open, close) = (r#"{"a":"#.repeat(levels - 1), "}".repeat(levels - 1));
            check(
                &message(1, &format!("{open}{{}}{close}"), 0),
                &Limits::DEFAULT,
            )
        };
        assert_eq!(nested(METADATA_DEPTH), Ok(()));
        let error = nested(METADATA_DEPTH + 1).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
    }
}
