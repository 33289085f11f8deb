//! What a fuzzer may throw at either side: bytes in, and nothing may panic. The targets in `tests/fuzz` call
//! these, and so does an ordinary test with what was found worth keeping.

use std::sync::Arc;

use alo_chat::core::{
    CallId, Client, Config, Input as ClientInput, Instant, Output as ClientOutput, SocketId,
};
use alo_gateway::{
    auth::Tokens,
    files::Metadata,
    session::{Input, Output, Session},
    store::{Change, Committed, Log, MemoryStore, PageLimit, Query, Rows, Store},
    writer::draft,
};
use alo_protocol::{AuthRequest, AuthUser, ClientFrame, Limits, Uuid};

use crate::wire::{self, Payload};

/// What a gateway reads beside frames: tokens and headers.
pub fn headers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Metadata::parse(text);
    let _ = tokens().verify(text, 0);
    let _ = ClientFrame::decode(text);
}

/// Lines are frames of a client that is welcomed, in a session over a store.
pub fn session(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut store = MemoryStore::default();
    let mut session = Session::new(tokens(), Limits::DEFAULT, Uuid::v7(0, [0; 10]), 0);
    let hello = serde_json::json!({"hello": {"token": token()}}).to_string();
    let mut ids = 0_u32;
    for (now, line) in std::iter::once(hello.as_str())
        .chain(text.lines())
        .enumerate()
    {
        session.handle(now as u64, Input::Frame(line));
        while let Some(output) = session.poll_output() {
            answer(&mut session, &mut store, now as u64, output, &mut ids);
        }
    }
    session.handle(100_000, Input::Timeout);
}

fn answer(session: &mut Session, store: &mut MemoryStore, now: u64, output: Output, ids: &mut u32) {
    match output {
        Output::Commit(op, submission) => {
            *ids += 1;
            let mut random = [0; 10];
            random[6..].copy_from_slice(&ids.to_be_bytes());
            let draft = draft(submission, now, Uuid::v7(now, random));
            let committed = store.commit(vec![Change::Send(draft)]).pop();
            if let Some(committed) = committed {
                if let Ok(Some(event)) = committed.as_ref().map(Committed::event) {
                    session.handle(now, Input::Published(event.clone().into()));
                }
                session.handle(now, Input::Committed(op, committed));
            }
        }
        Output::Heads(op, channels) => {
            let logs: Vec<_> = channels.into_iter().map(Into::into).collect();
            let heads = store.heads(&logs);
            session.handle(now, Input::Heads(op, heads));
        }
        Output::Read(channel, after) => {
            let query = Query::Tail {
                log: channel.clone().into(),
                after,
            };
            let limit = PageLimit {
                events: 4,
                bytes: 1 << 16,
            };
            let page = store.read(&query, limit).map(|rows| match rows {
                Rows::Events(events) => events,
                Rows::Gap(_) | Rows::Page(_) => Vec::new(),
            });
            session.handle(now, Input::Page(channel, page));
        }
        Output::Send(item) => {
            // Whatever was asked, what is answered is JSON.
            assert!(
                serde_json::from_str::<serde_json::Value>(&item).is_ok(),
                "{item}"
            );
            session.handle(now, Input::Wrote(true));
        }
        Output::Ping | Output::Close(_) | Output::Join(_) | Output::Leave(_) => {}
    }
}

/// Lines are frames from a gateway, to a client that has just opened its socket.
pub fn client(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let config = Config {
        seed: 1,
        token_renewable: true,
        outbox_limit: 4,
        parallel_uploads: 1,
        outbox_kept: true,
    };
    let mut client = Client::<Payload>::new(config);
    let mut socket = SocketId(0);
    let mut give = |client: &mut Client<Payload>, now: u64, input: ClientInput<'_, Payload>| {
        client.handle(Instant(now), input);
        while let Some(output) = client.poll_output() {
            if let ClientOutput::OpenSocket(opened) = output {
                socket = opened;
            }
        }
        socket
    };
    give(&mut client, 0, ClientInput::Connect(CallId(0)));
    let mut opened = give(
        &mut client,
        0,
        ClientInput::TokenFetched(Ok("token".to_owned())),
    );
    give(&mut client, 0, ClientInput::SocketOpened(opened));
    if let Ok(channel) = "a".parse() {
        give(
            &mut client,
            0,
            ClientInput::Subscribe(CallId(1), vec![channel]),
        );
    }
    for (now, line) in text.lines().enumerate() {
        let Ok(items) = wire::items(line) else {
            continue;
        };
        for item in &items {
            if let Some(incoming) = item.incoming() {
                opened = give(
                    &mut client,
                    now as u64,
                    ClientInput::Received(opened, incoming),
                );
            }
        }
    }
    give(&mut client, 1_000_000, ClientInput::Timeout);
}

fn tokens() -> Arc<Tokens> {
    Arc::new(Tokens::new("key", b"a secret for fuzzing only......."))
}

fn token() -> String {
    let channels = ["a", "b"].iter().filter_map(|id| id.parse().ok()).collect();
    let request = AuthRequest {
        ttl: 60,
        user: AuthUser {
            id: "ada".to_owned(),
        },
        channel_ids: channels,
    };
    tokens().issue(&request, 0)
}
