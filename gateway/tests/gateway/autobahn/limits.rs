//! 9 limits: a message as large as may be is taken, a larger one is cut before it is held.

use alo_protocol::{CloseCode, Limits};

use super::{Case, request_of, run};
use crate::{
    raw::{CONTINUATION, Chops, Event, Frame, Raw, TEXT},
    support::{Running, is_served},
};

/// What may come in one message, and be held at most.
const MESSAGE_BYTES: usize = Limits::DEFAULT.frame_bytes as usize;

#[tokio::test]
async fn case_9_messages_at_and_above_the_limit() {
    let limit = Limits::DEFAULT.frame_bytes as usize;
    let too_large = CloseCode::FrameTooLarge.code();
    let (at, above) = (request_of(1, limit), request_of(1, limit + 1));
    let whole = [("9.1", Chops::None), ("9.5", Chops::Bytes(64))].map(|(name, chops)| {
        [
            Case::served(name, [Frame::text(&at)], [Event::Reply(1)]).chopped(chops),
            Case::closed(name, [Frame::text(&above)], too_large).chopped(chops),
        ]
    });
    let fragments = [64, 4_096, 65_536, limit].map(|size| {
        [
            Case::served("9.3", Frame::fragments(&at, size), [Event::Reply(1)]),
            Case::closed("9.3", Frame::fragments(&above, size), too_large),
        ]
    });
    let many = (1..=100)
        .map(|id| Frame::text(request_of(id, 4_096)))
        .collect::<Vec<_>>();
    let replies = (1..=100).map(Event::Reply).collect::<Vec<_>>();
    let many = Case::served("9.7", many, replies);
    run(whole.into_iter().chain(fragments).flatten().chain([many])).await;
}

/// The head of a frame that would be too large is enough: nothing is waited or made room for. What was sent
/// after it does not cost the client the close code.
#[tokio::test]
async fn case_9_frames_that_announce_too_much() {
    let gateway = Running::start().await;
    let expected = [Event::Close(CloseCode::FrameTooLarge.code()), Event::End];
    for length in [
        MESSAGE_BYTES as u64 + 1,
        u64::from(u32::MAX),
        (1 << 63) - 1,
        u64::MAX,
    ] {
        for sent in [0, 1, 100_000] {
            let mut raw = Raw::open(&gateway, "").await;
            let mut bytes = Frame::text("").head(length);
            bytes.resize(bytes.len() + sent, b'*');
            raw.write(&bytes).await;
            assert_eq!(raw.until(None).await, expected, "{sent} of {length}");
        }
    }
}

/// A message without end is cut when it is too large, whatever the size of its fragments, and the close
/// code reaches a client that is still sending.
#[tokio::test]
async fn case_9_9_a_message_without_end() {
    let gateway = Running::start().await;
    let mut bystander = gateway.welcomed("ada", &["a"]).await;
    for size in [125, 4_096, 65_536] {
        let mut raw = Raw::open(&gateway, "").await;
        let fragment = |opcode| Frame::new(opcode, vec![b'*'; size]).more().bytes();
        raw.write(&fragment(TEXT)).await;
        let next = fragment(CONTINUATION);
        for _ in 0..MESSAGE_BYTES * 2 / size {
            if !raw.write(&next).await {
                break;
            }
        }
        let expected = [Event::Close(CloseCode::FrameTooLarge.code()), Event::End];
        assert_eq!(raw.until(None).await, expected, "fragments of {size}");
    }
    is_served(&mut bystander).await;
}
