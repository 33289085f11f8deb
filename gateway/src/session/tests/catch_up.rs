//! Subscriptions that are behind, and the log.

use super::*;

#[test]
fn a_slow_reader_catches_up_from_the_log_and_misses_nothing() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.drains = false;
    for number in 0..3_000 {
        driven.publish(&number.to_string());
    }
    let queued = driven.driver.waiting();
    assert!(queued <= ITEMS, "{queued} items wait");
    driven.drains = true;
    driven.driver.wrote(driven.now, &mut driven.desk);
    driven.run();
    driven.publish("last");
    assert_eq!(driven.seqs(), (1..=3_001).collect::<Vec<_>>());
}

#[test]
fn events_left_out_by_the_bus_are_read_from_the_log() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.publish("one");
    driven.other_sends("left out");
    driven.input(Input::Lagged);
    driven.publish("three");
    assert_eq!(driven.seqs(), [1, 2, 3]);
}

/// Both are behind; the first in the alphabet never gets to its end.
#[test]
fn a_busy_channel_does_not_keep_another_waiting() {
    let mut driven = Driven::open(&json!([]));
    driven.hold_reads = true;
    for id in ["a", "b"] {
        driven
            .frame(&json!({"id": 1, "method": "subscribe", "params": {"channels": [{"id": id}]}}));
    }
    driven.input(Input::Lagged);
    let mut read = Vec::new();
    for _ in 0..4 {
        let (op, query) = driven.reads.pop_front().expect("a read is due");
        let Query::Tail { log, .. } = query else {
            panic!("{query:?}");
        };
        read.push(log);
        // Something happened meanwhile, so it is not at its end.
        driven.input(Input::Lagged);
        driven.input(Input::Rows(op, Ok(Rows::Events(vec![]))));
    }
    assert_eq!(read, ["a", "b", "a", "b"].map(log));
}

#[test]
fn after_a_hole_in_the_log_the_gap_is_reported_and_events_go_on() {
    let mut driven = Driven::new();
    for number in 0..5 {
        driven.other_sends(&number.to_string());
    }
    driven.hold_reads = true;
    driven.hello();
    driven.resume(&json!([{"id": "a", "cursor": {"epoch": "e", "seq": 1}}]));
    let (op, _) = driven.reads.pop_front().expect("a read is due");
    let head = Cursor {
        epoch: "e".into(),
        seq: 5,
    };
    driven.hold_reads = false;
    driven.input(Input::Rows(op, Ok(Rows::Gap(head))));
    assert_eq!(
        driven.reply(),
        json!({"gap": {"id": "a", "cursor": {"epoch": "e", "seq": 5}, "gap": "expired"}})
    );
    driven.publish("after");
    assert_eq!(driven.seqs(), [6]);
    assert_eq!(driven.closed, None);
}

#[test]
fn a_log_that_cannot_be_read_is_tried_again_a_few_times() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.hold_reads = true;
    driven.other_sends("left out");
    driven.input(Input::Lagged);
    let failure = || Err(ErrorBody::new(ErrorCode::Internal, "the disk"));
    let fail = |driven: &mut Driven| {
        let (op, _) = driven.reads.pop_front().expect("a read is due");
        driven.input(Input::Rows(op, failure()));
        assert!(driven.reads.is_empty(), "not at once");
        if let Some(at) = driven.driver.next_timeout() {
            driven.now = at;
            driven.input(Input::Timeout);
        }
    };
    for _ in 0..3 {
        fail(&mut driven);
    }
    assert_eq!((driven.closed, driven.now), (None, 250 + 500 + 1_000));
    let (op, query) = driven.reads.pop_front().expect("a read is due");
    let rows = read_at_once(op, &query, &driven.store, LIMIT);
    driven.input(rows);
    assert_eq!(driven.seqs(), [1]);
    // A success makes the count start again.
    for _ in 0..4 {
        assert_eq!(driven.closed, None);
        fail(&mut driven);
    }
    assert_eq!(driven.closed, Some(CloseCode::Internal.code()));
}

#[test]
fn a_hint_that_the_log_goes_further_leads_to_it() {
    let mut driven = Driven::open(&json!([{"id": "a"}]));
    driven.publish("one");
    let event = driven.other_sends("published elsewhere");
    let hint = |seq| {
        let log = event.log.clone();
        Input::News(Notice::Head { log, seq }.into())
    };
    driven.input(hint(1));
    assert_eq!(driven.seqs(), [1]);
    driven.input(hint(2));
    assert_eq!(driven.seqs(), [2]);
}
