//! 7 the closing handshake.

use super::{Case, INVALID_TEXT, NORMAL, PROTOCOL_ERROR, request, run};
use crate::raw::{CLOSE, Event, Frame, NO_CODE};

#[tokio::test]
async fn case_7_1_what_follows_a_close_is_ignored() {
    let close = || Frame::close(NORMAL, "");
    let begun = Frame::text("fragment1").more();
    run([
        Case::served("7.1.1", [Frame::text(request(1))], [Event::Reply(1)]),
        Case::closed("7.1.2", [close(), Frame::new(CLOSE, "")], NORMAL),
        Case::closed("7.1.3", [close(), Frame::ping("")], NORMAL),
        Case::closed("7.1.4", [close(), Frame::text(request(1))], NORMAL),
        Case::closed(
            "7.1.5",
            [begun, close(), Frame::continuation("fragment2")],
            NORMAL,
        ),
    ])
    .await;
}

#[tokio::test]
async fn case_7_3_and_7_5_payloads_of_a_close() {
    let wrong = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    run([
        Case::closed("7.3.1", [Frame::new(CLOSE, "")], NO_CODE),
        Case::closed("7.3.2", [Frame::new(CLOSE, "a")], PROTOCOL_ERROR),
        Case::closed("7.3.3", [Frame::close(NORMAL, "")], NORMAL),
        Case::closed("7.3.4", [Frame::close(NORMAL, "Hello World!")], NORMAL),
        Case::closed("7.3.5", [Frame::close(NORMAL, [b'*'; 123])], NORMAL),
        Case::closed("7.3.6", [Frame::close(NORMAL, [b'*'; 124])], PROTOCOL_ERROR),
        Case::closed("7.5.1", [Frame::close(NORMAL, wrong)], INVALID_TEXT),
    ])
    .await;
}

#[tokio::test]
async fn case_7_7_7_9_and_7_13_codes_of_a_close() {
    let valid = [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ];
    let invalid = [
        0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535,
    ];
    let case =
        |code, answer| Case::closed(format!("7 code {code}"), [Frame::close(code, "")], answer);
    let valid = valid.map(|code| case(code, code));
    let invalid = invalid.map(|code| case(code, PROTOCOL_ERROR));
    run(valid.into_iter().chain(invalid)).await;
}
