//! 6 UTF-8.

use alo_protocol::CloseCode;

use super::{Case, INVALID_TEXT, message, run};
use crate::{
    raw::{Chops, Event, Frame, Raw},
    support::Running,
};

/// Valid up to [`WRONG`], which is no code point.
const RIGHT: &[u8] = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
const WRONG: &[u8] = b"\xf4\x90\x80\x80";
const REST: &[u8] = b"edited";

const VALID: &[(&str, &[&[u8]])] = &[
    (
        "6.5",
        &[
            b"hello$world",
            b"hello\xc2\xa2world",
            b"hello\xe2\x82\xacworld",
            b"hello\xf0\xa4\xad\xa2world",
            RIGHT,
        ],
    ),
    ("6.7", &[b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
    (
        "6.9",
        &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    ),
    (
        "6.11",
        &[
            b"\xed\x9f\xbf",
            b"\xee\x80\x80",
            b"\xef\xbf\xbd",
            b"\xf4\x8f\xbf\xbf",
        ],
    ),
    (
        "6.22",
        &[
            b"\xef\xbf\xbe",
            b"\xf0\x9f\xbf\xbe",
            b"\xf0\x9f\xbf\xbf",
            b"\xf0\xaf\xbf\xbe",
            b"\xf0\xaf\xbf\xbf",
            b"\xf0\xbf\xbf\xbe",
            b"\xf0\xbf\xbf\xbf",
            b"\xf1\x8f\xbf\xbe",
            b"\xf1\x8f\xbf\xbf",
            b"\xf1\x9f\xbf\xbe",
            b"\xf1\x9f\xbf\xbf",
            b"\xf1\xaf\xbf\xbe",
            b"\xf1\xaf\xbf\xbf",
            b"\xf1\xbf\xbf\xbe",
            b"\xf1\xbf\xbf\xbf",
            b"\xf2\x8f\xbf\xbe",
            b"\xf2\x8f\xbf\xbf",
            b"\xf2\x9f\xbf\xbe",
            b"\xf2\x9f\xbf\xbf",
            b"\xf2\xaf\xbf\xbe",
            b"\xf2\xaf\xbf\xbf",
            b"\xf2\xbf\xbf\xbe",
            b"\xf2\xbf\xbf\xbf",
            b"\xf3\x8f\xbf\xbe",
            b"\xf3\x8f\xbf\xbf",
            b"\xf3\x9f\xbf\xbe",
            b"\xf3\x9f\xbf\xbf",
            b"\xf3\xaf\xbf\xbe",
            b"\xf3\xaf\xbf\xbf",
            b"\xf3\xbf\xbf\xbe",
            b"\xf3\xbf\xbf\xbf",
            b"\xf4\x8f\xbf\xbe",
            b"\xf4\x8f\xbf\xbf",
        ],
    ),
    (
        "6.23",
        &[
            b"\xef\xbf\xb9",
            b"\xef\xbf\xba",
            b"\xef\xbf\xbb",
            b"\xef\xbf\xbc",
            b"\xef\xbf\xbd",
        ],
    ),
];

const INVALID: &[(&str, &[&[u8]])] = &[
    (
        "6.8",
        &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    ),
    (
        "6.10",
        &[
            b"\xf7\xbf\xbf\xbf",
            b"\xfb\xbf\xbf\xbf\xbf",
            b"\xfd\xbf\xbf\xbf\xbf\xbf",
        ],
    ),
    ("6.11.5", &[WRONG]),
    (
        "6.12",
        &[
            b"\x80",
            b"\xbf",
            b"\x80\xbf",
            b"\x80\xbf\x80",
            b"\x80\xbf\x80\xbf",
            b"\x80\xbf\x80\xbf\x80",
            b"\x80\xbf\x80\xbf\x80\xbf",
        ],
    ),
    (
        "6.14",
        &[
            b"\xc0",
            b"\xe0\x80",
            b"\xf0\x80\x80",
            b"\xf8\x80\x80\x80",
            b"\xfc\x80\x80\x80\x80",
            b"\xdf",
            b"\xef\xbf",
            b"\xf7\xbf\xbf",
            b"\xfb\xbf\xbf\xbf",
            b"\xfd\xbf\xbf\xbf\xbf",
        ],
    ),
    ("6.16", &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
    (
        "6.17",
        &[
            b"\xc0\xaf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xf8\x80\x80\x80\xaf",
            b"\xfc\x80\x80\x80\x80\xaf",
        ],
    ),
    (
        "6.18",
        &[
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ],
    ),
    (
        "6.19",
        &[
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xf0\x80\x80\x80",
            b"\xf8\x80\x80\x80\x80",
            b"\xfc\x80\x80\x80\x80\x80",
        ],
    ),
    (
        "6.20",
        &[
            b"\xed\xa0\x80",
            b"\xed\xad\xbf",
            b"\xed\xae\x80",
            b"\xed\xaf\xbf",
            b"\xed\xb0\x80",
            b"\xed\xbe\x80",
            b"\xed\xbf\xbf",
        ],
    ),
    (
        "6.21",
        &[
            b"\xed\xa0\x80\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xbf\xbf",
            b"\xed\xad\xbf\xed\xb0\x80",
            b"\xed\xad\xbf\xed\xbf\xbf",
            b"\xed\xae\x80\xed\xb0\x80",
            b"\xed\xae\x80\xed\xbf\xbf",
            b"\xed\xaf\xbf\xed\xb0\x80",
            b"\xed\xaf\xbf\xed\xbf\xbf",
        ],
    ),
];

#[tokio::test]
async fn case_6_1_to_6_3_texts_and_their_fragments() {
    let malformed = CloseCode::MalformedFrame.code();
    let hello = "Hello-µ@ßöäüàá-UTF-8!!";
    let stored = |content: &str| Event::Stored(content.to_owned());
    let wrong = [RIGHT, b"\xed\xa0\x80", REST].concat();
    let empty = || Frame::continuation("");
    let right = std::str::from_utf8(RIGHT).unwrap();
    let boundary = message(3, hello.as_bytes());
    let boundary = boundary.split_at(boundary.len() - "üàá-UTF-8!!\"}}".len());
    run([
        Case::closed("6.1.1", [Frame::text("")], malformed),
        Case::closed(
            "6.1.2",
            [Frame::text("").more(), empty().more(), empty()],
            malformed,
        ),
        Case::served(
            "6.1.3",
            [
                Frame::text("").more(),
                Frame::continuation(message(1, b"middle frame payload")).more(),
                empty(),
            ],
            [stored("middle frame payload")],
        ),
        Case::served(
            "6.2.1",
            [Frame::text(message(2, hello.as_bytes()))],
            [stored(hello)],
        ),
        Case::served(
            "6.2.2",
            [
                Frame::text(boundary.0).more(),
                Frame::continuation(boundary.1),
            ],
            [stored(hello)],
        ),
        Case::served(
            "6.2.3",
            Frame::fragments(message(4, hello.as_bytes()), 1),
            [stored(hello)],
        ),
        Case::served(
            "6.2.4",
            Frame::fragments(message(5, RIGHT), 1),
            [stored(right)],
        ),
        Case::closed("6.3.1", [Frame::text(&wrong)], INVALID_TEXT),
        Case::closed("6.3.2", Frame::fragments(&wrong, 1), INVALID_TEXT),
    ])
    .await;
}

/// The fragment that makes a text wrong ends the connection: the last one is not waited for.
#[tokio::test]
async fn case_6_4_wrong_texts_end_early() {
    let gateway = Running::start().await;
    let token = gateway.token("bob", &["a"]).await;
    let payload = [RIGHT, WRONG, REST].concat();
    for (name, at, to) in [("6.4.1", 11, 15), ("6.4.2", 12, 13)] {
        let mut raw = Raw::welcomed(&gateway, &token).await;
        let frames = [
            Frame::text(&payload[..at]).more(),
            Frame::continuation(&payload[at..to]).more(),
        ];
        raw.send(&frames, Chops::Frames).await;
        let events = raw.until(None).await;
        assert_eq!(
            events,
            [Event::Close(INVALID_TEXT), Event::End],
            "case {name}"
        );
    }
    // Within one frame it is reported at the end of the frame.
    for (name, cuts) in [("6.4.3", [11, 15]), ("6.4.4", [12, 13])] {
        let mut raw = Raw::welcomed(&gateway, &token).await;
        let bytes = Frame::text(&payload).bytes();
        let head = bytes.len() - payload.len();
        let (first, rest) = bytes.split_at(head + cuts[0]);
        let (second, third) = rest.split_at(cuts[1] - cuts[0]);
        for part in [first, second, third] {
            raw.write(part).await;
        }
        let events = raw.until(None).await;
        assert_eq!(
            events,
            [Event::Close(INVALID_TEXT), Event::End],
            "case {name}"
        );
    }
}

#[tokio::test]
async fn case_6_valid_sequences() {
    let mut number = 0;
    let valid = VALID
        .iter()
        .flat_map(|(name, texts)| texts.iter().map(move |text| (*name, *text)));
    let cases = valid.flat_map(|(name, text)| {
        number += 2;
        let stored = || [Event::Stored(String::from_utf8(text.to_vec()).unwrap())];
        let fragments = Frame::fragments(message(number + 1, text), 1);
        [
            Case::served(
                named(name, text),
                [Frame::text(message(number, text))],
                stored(),
            ),
            Case::served(named(name, text), fragments, stored()),
        ]
    });
    run(cases).await;
}

#[tokio::test]
async fn case_6_invalid_sequences() {
    // 6.6: all prefixes, of which some end within a code point.
    let prefixes = (1..=RIGHT.len()).map(|end| ("6.6", RIGHT[..end].to_vec()));
    let continuations = [("6.12.8", (0x80..0xbf).collect())];
    let lonely = [
        (0xc0, 0xdf),
        (0xe0, 0xef),
        (0xf0, 0xf7),
        (0xf8, 0xfb),
        (0xfc, 0xfd),
    ]
    .map(|(from, to)| {
        (
            "6.13",
            (from..to).flat_map(|byte: u8| [byte, b' ']).collect(),
        )
    });
    let missing = INVALID
        .iter()
        .find(|(name, _)| *name == "6.14")
        .unwrap()
        .1
        .concat();
    let listed = INVALID
        .iter()
        .flat_map(|(name, texts)| texts.iter().map(move |text| (*name, text.to_vec())));
    let texts = prefixes
        .chain(continuations)
        .chain(lonely)
        .chain([("6.15", missing)])
        .chain(listed);
    let cases = texts.flat_map(|(name, text)| {
        // What is text all the same is no JSON. So is 6.7.1, a zero byte.
        let code = if std::str::from_utf8(&text).is_ok() {
            CloseCode::MalformedFrame.code()
        } else {
            INVALID_TEXT
        };
        [
            Case::closed(named(name, &text), [Frame::text(&text)], code),
            Case::closed(named(name, &text), Frame::fragments(&text, 1), code),
        ]
    });
    let zero = Case::closed(
        "6.7.1",
        [Frame::text(message(1, b"\0"))],
        CloseCode::MalformedFrame.code(),
    );
    run(cases.chain([zero])).await;
}

fn named(name: &str, text: &[u8]) -> String {
    format!("{name} {text:02x?}")
}
