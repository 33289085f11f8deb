//! 1 framing, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragmentation, 10 automatic fragmentation,
//! 12 and 13 compression.

use alo_protocol::CloseCode;

use super::{Case, PROTOCOL_ERROR, request, request_of, run};
use crate::{
    raw::{BINARY, CLOSE, Chops, Event, Frame, PING, PONG, Raw, TEXT},
    support::Running,
};

const OCTETS: Chops = Chops::Bytes(1);

#[tokio::test]
async fn case_1_framing() {
    let malformed = CloseCode::MalformedFrame.code();
    let binary = CloseCode::BinaryFrame.code();
    let texts = [
        ("1.1.2", 125, Chops::None),
        ("1.1.3", 126, Chops::None),
        ("1.1.4", 127, Chops::None),
        ("1.1.5", 128, Chops::None),
        ("1.1.6", 65_535, Chops::None),
        ("1.1.7", 65_536, Chops::None),
        ("1.1.8", 65_536, Chops::Bytes(997)),
    ];
    let binaries = [
        ("1.2.1", 0, Chops::None),
        ("1.2.2", 125, Chops::None),
        ("1.2.3", 126, Chops::None),
        ("1.2.4", 127, Chops::None),
        ("1.2.5", 128, Chops::None),
        ("1.2.6", 65_535, Chops::None),
        ("1.2.7", 65_536, Chops::None),
        ("1.2.8", 65_536, Chops::Bytes(997)),
    ];
    let texts = texts.into_iter().map(|(name, length, chops)| {
        let frame = Frame::text(request_of(1, length));
        Case::served(name, [frame], [Event::Reply(1)]).chopped(chops)
    });
    let binaries = binaries.into_iter().map(|(name, length, chops)| {
        Case::closed(name, [Frame::new(BINARY, vec![0xfe; length])], binary).chopped(chops)
    });
    let empty = Case::closed("1.1.1", [Frame::text("")], malformed);
    let unmasked = [
        Frame::text(request(1)),
        Frame::ping("x"),
        Frame::close(1000, ""),
    ]
    .map(|frame| Case::closed("unmasked", [frame.unmasked()], PROTOCOL_ERROR));
    run(texts.chain(binaries).chain([empty]).chain(unmasked)).await;
}

#[tokio::test]
async fn case_2_pings_and_pongs() {
    let pong = |payload: &[u8]| Event::Pong(payload.to_vec());
    let unsolicited = || Frame::new(PONG, "unsolicited pong payload");
    let binary = [0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff];
    let ten = || {
        (0..10)
            .map(|index| format!("payload-{index}"))
            .collect::<Vec<_>>()
    };
    let pings = || ten().iter().map(Frame::ping).collect::<Vec<_>>();
    let pongs = || {
        ten()
            .into_iter()
            .map(|ping| Event::Pong(ping.into()))
            .collect::<Vec<_>>()
    };
    let long = [0xfe; 125];
    run([
        Case::served("2.1", [Frame::ping("")], [pong(b"")]),
        Case::served(
            "2.2",
            [Frame::ping("Hello, world!")],
            [pong(b"Hello, world!")],
        ),
        Case::served("2.3", [Frame::ping(binary)], [pong(&binary)]),
        Case::served("2.4", [Frame::ping(long)], [pong(&long)]),
        Case::closed("2.5", [Frame::ping([0xfe; 126])], PROTOCOL_ERROR),
        Case::served("2.6", [Frame::ping(long)], [pong(&long)]).chopped(OCTETS),
        Case::served("2.7", [Frame::new(PONG, "")], []),
        Case::served("2.8", [unsolicited()], []),
        Case::served(
            "2.9",
            [unsolicited(), Frame::ping("ping payload")],
            [pong(b"ping payload")],
        ),
        Case::served("2.10", pings(), pongs()),
        Case::served("2.11", pings(), pongs()).chopped(OCTETS),
        Case::closed(
            "a pong of 126",
            [Frame::new(PONG, [0xfe; 126])],
            PROTOCOL_ERROR,
        ),
    ])
    .await;
}

#[tokio::test]
async fn case_3_reserved_bits() {
    let alone = [
        ("3.1", Frame::text(request(1)).reserved(1)),
        ("3.5", Frame::new(BINARY, [0, 0xff, 0xfe]).reserved(5)),
        ("3.6", Frame::new(PING, "Hello, world!").reserved(6)),
        ("3.7", Frame::new(CLOSE, "").reserved(7)),
        ("as if compressed", Frame::text(request(1)).reserved(4)),
    ];
    let second = [
        ("3.2", 2, Chops::None),
        ("3.3", 3, Chops::Frames),
        ("3.4", 4, OCTETS),
    ];
    let alone = alone.map(|(name, frame)| Case::closed(name, [frame], PROTOCOL_ERROR));
    let second = second.map(|(name, bits, chops)| {
        second_fails(name, Frame::text(request(2)).reserved(bits), chops)
    });
    run(alone.into_iter().chain(second)).await;
}

#[tokio::test]
async fn case_4_opcodes() {
    let alone = [
        ("4.1.1", 3, ""),
        ("4.1.2", 4, "x"),
        ("4.2.1", 11, ""),
        ("4.2.2", 12, "x"),
    ];
    let second = [
        ("4.1.3", 5, "", Chops::None),
        ("4.1.4", 6, "Hello, world!", Chops::None),
        ("4.1.5", 7, "Hello, world!", OCTETS),
        ("4.2.3", 13, "", Chops::None),
        ("4.2.4", 14, "Hello, world!", Chops::None),
        ("4.2.5", 15, "Hello, world!", OCTETS),
    ];
    let alone = alone.map(|(name, opcode, payload)| {
        Case::closed(name, [Frame::new(opcode, payload)], PROTOCOL_ERROR)
    });
    let second = second.map(|(name, opcode, payload, chops)| {
        second_fails(name, Frame::new(opcode, payload), chops)
    });
    run(alone.into_iter().chain(second)).await;
}

/// A request that is right, a frame that is not, a ping that is not answered any more.
fn second_fails(name: &str, wrong: Frame, chops: Chops) -> Case {
    let frames = [Frame::text(request(1)), wrong, Frame::ping("")];
    Case::closed(name, frames, PROTOCOL_ERROR)
        .after([Event::Reply(1)])
        .chopped(chops)
}

#[tokio::test]
async fn case_5_fragmentation() {
    let whole = request(1);
    let (first, second) = whole.split_at(whole.len() / 2);
    let begin = || Frame::text(first).more();
    let end = || Frame::continuation(second);
    let ping = || Frame::ping("ping payload");
    let pong = || Event::Pong(b"ping payload".to_vec());
    let lost = |name, fin: bool, chops| {
        let frame = Frame::continuation("non-continuation payload");
        let frame = if fin { frame } else { frame.more() };
        Case::closed(name, [frame, Frame::text(request(1))], PROTOCOL_ERROR).chopped(chops)
    };
    let twice = |fin: bool| {
        let stray = Frame::continuation("fragment1");
        let stray = if fin { stray } else { stray.more() };
        let frames = [stray, begin(), end()];
        [frames.clone(), frames].concat()
    };
    let parts = Frame::fragments(&whole, whole.len().div_ceil(5));
    let pinged = || {
        let mut frames = parts.clone();
        frames.insert(2, Frame::ping("pongme 1!"));
        frames.insert(5, Frame::ping("pongme 2!"));
        frames
    };
    let pongs = || {
        let pong = |text: &str| Event::Pong(text.into());
        [pong("pongme 1!"), pong("pongme 2!"), Event::Reply(1)]
    };
    run([
        Case::closed(
            "5.1",
            [Frame::ping("fragment1").more(), end()],
            PROTOCOL_ERROR,
        ),
        Case::closed(
            "5.2",
            [Frame::new(PONG, "fragment1").more(), end()],
            PROTOCOL_ERROR,
        ),
        Case::served("5.3", [begin(), end()], [Event::Reply(1)]),
        Case::served("5.4", [begin(), end()], [Event::Reply(1)]).chopped(Chops::Frames),
        Case::served("5.5", [begin(), end()], [Event::Reply(1)]).chopped(OCTETS),
        Case::served("5.6", [begin(), ping(), end()], [pong(), Event::Reply(1)]),
        Case::served("5.7", [begin(), ping(), end()], [pong(), Event::Reply(1)])
            .chopped(Chops::Frames),
        Case::served("5.8", [begin(), ping(), end()], [pong(), Event::Reply(1)]).chopped(OCTETS),
        lost("5.9", true, Chops::None),
        lost("5.10", true, Chops::Frames),
        lost("5.11", true, OCTETS),
        lost("5.12", false, Chops::None),
        lost("5.13", false, Chops::Frames),
        lost("5.14", false, OCTETS),
        Case::closed(
            "5.15",
            [
                begin(),
                end(),
                Frame::continuation("fragment3").more(),
                Frame::text(request(2)),
            ],
            PROTOCOL_ERROR,
        )
        .after([Event::Reply(1)]),
        Case::closed("5.16", twice(false), PROTOCOL_ERROR),
        Case::closed("5.17", twice(true), PROTOCOL_ERROR),
        Case::closed("5.18", [begin(), Frame::new(TEXT, second)], PROTOCOL_ERROR),
        Case::served("5.19", pinged(), pongs()),
        Case::served("5.20", pinged(), pongs()).chopped(Chops::Frames),
        Case::closed(
            "a close in fragments",
            [Frame::close(1000, "").more()],
            PROTOCOL_ERROR,
        ),
    ])
    .await;
}

#[tokio::test]
async fn case_10_automatic_fragmentation() {
    let frames = Frame::fragments(request_of(1, 65_536), 1_300);
    run([Case::served("10.1.1", frames, [Event::Reply(1)])]).await;
}

#[tokio::test]
async fn case_12_and_13_no_compression_is_agreed_to() {
    let gateway = Running::start().await;
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits, permessage-deflate",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        "permessage-bzip2, permessage-snappy",
    ] {
        let header = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        let raw = Raw::open(&gateway, &header).await;
        assert!(
            !raw.head
                .to_ascii_lowercase()
                .contains("sec-websocket-extensions"),
            "{}",
            raw.head
        );
    }
}
