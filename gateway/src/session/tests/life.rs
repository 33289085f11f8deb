//! Connections that say nothing or take nothing.

use super::*;

#[test]
fn a_reader_that_takes_nothing_is_told_to_recover() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    driven.publish("one");
    driven.now = 29_000;
    driven.frame(&json!({"ping": 1}));
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, None);
    driven.now = 30_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::Recover.code()));
}

#[test]
fn silence_is_pinged_and_then_closed() {
    let mut driven = Driven::open(&json!([]));
    assert_eq!(driven.driver.next_timeout(), Some(25_000));
    driven.now = 129_999;
    driven.input(Input::Timeout);
    assert_eq!((driven.closed, driven.pings), (None, 1));
    driven.now = 130_000;
    driven.input(Input::Timeout);
    assert_eq!(driven.closed, Some(CloseCode::IdleTimeout.code()));
    assert_eq!(driven.driver.next_timeout(), None);
}
