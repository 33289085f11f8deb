//! What a fuzzer may throw at either side: bytes in, and nothing may panic. The targets in `tests/fuzz` call
//! these, and so does an ordinary test with what was found worth keeping.

use std::sync::Arc;

use alo_chat::core::{
    CallId, Client, Config, Input as ClientInput, Instant, Output as ClientOutput, SocketId,
};
use alo_gateway::{
    auth::Tokens,
    files::Metadata,
    live::Live,
    session::{Ask, Desk, Driver, Input, Session, Write, read_at_once, write_at_once},
    store::{Log, MemoryStore, PageLimit},
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

/// Lines are frames of a client that says hello, in a session over a store.
pub fn session(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut store = (MemoryStore::default(), Live::default());
    let (mut driver, mut desk) = (Driver::new(new_session()), Desk::default());
    let hello = serde_json::json!({"hello": {"token": token()}}).to_string();
    let frames = std::iter::once(hello.as_str()).chain(text.lines());
    for (now, line) in (0..).zip(frames) {
        driver.handle(now, Input::Frame(line), &mut desk);
        // Each fourth frame comes before the ones before it are answered.
        if now % 4 > 0 {
            run(&mut driver, &mut desk, &mut store, now);
        }
    }
    run(&mut driver, &mut desk, &mut store, 50_000);
    driver.handle(100_000, Input::Timeout, &mut desk);
}

fn new_session() -> Session {
    let mut ids = 0_u32;
    let new_id = move |now_ms| {
        ids += 1;
        let mut random = [0; 10];
        random[6..].copy_from_slice(&ids.to_be_bytes());
        Uuid::v7(now_ms, random)
    };
    Session::new(tokens(), Limits::DEFAULT, Box::new(new_id), 0)
}

/// Does what the session asks for until it asks for nothing more.
fn run(driver: &mut Driver, desk: &mut Desk, store: &mut (MemoryStore, Live), now: u64) {
    loop {
        if let Some(ask) = desk.next_ask() {
            answer(driver, desk, store, now, ask);
        } else {
            match driver.next_write() {
                Some(Write::Frame(text, _)) => {
                    // Whatever was asked, what is answered is JSON.
                    assert!(
                        serde_json::from_str::<serde_json::Value>(&text).is_ok(),
                        "{text}"
                    );
                    driver.wrote(now, desk);
                }
                Some(Write::Ping) => driver.wrote(now, desk),
                Some(Write::Close(_)) | None => return,
            }
        }
    }
}

fn answer(
    driver: &mut Driver,
    desk: &mut Desk,
    store: &mut (MemoryStore, Live),
    now: u64,
    ask: Ask,
) {
    const LIMIT: PageLimit = PageLimit {
        events: 4,
        bytes: 1 << 16,
    };
    match ask {
        Ask::Commit(op, change) => {
            let (news, answers) = write_at_once(op, change, &mut store.0);
            for news in news {
                driver.handle(now, Input::News(news), desk);
            }
            for answer in answers {
                driver.handle(now, answer, desk);
            }
        }
        Ask::Heads(op, logs) => {
            let heads = Input::Heads(op, store.0.heads(&logs));
            driver.handle(now, heads, desk);
        }
        Ask::Read(op, query) => {
            let rows = read_at_once(op, &query, &store.0, LIMIT);
            driver.handle(now, rows, desk);
        }
        Ask::Live(op, act) => {
            let answer = store.1.act(now, 0, act);
            driver.handle(now, Input::Live(op, answer), desk);
            for news in store.1.take_signals() {
                driver.handle(now, Input::News(news), desk);
            }
        }
        Ask::Join(_) | Ask::Leave(_) => {}
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
        device: "\"phone\"".to_owned().into(),
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
    tokens().issue(&request, 0, Uuid::from_bytes([9; 16]))
}
