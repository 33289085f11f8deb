//! Order, epochs and limits.

use alo_gateway::store::PageLimit;
use alo_protocol::Cursor;
use serde_json::json;

use super::{ALL, Kit, draft, log_id, message, pushed};

pub(super) fn a_channels_log_has_one_epoch_and_no_gaps(kit: &mut Kit) {
    let epoch = kit.head("a").epoch;
    assert!((1..=36).contains(&epoch.len()), "{epoch}");
    let drafts = (1..=5).map(|number| draft(number, "a")).collect();
    for (index, committed) in kit.answers(drafts).into_iter().enumerate() {
        let committed = committed.unwrap();
        let event = committed.event().unwrap();
        assert_eq!(event.seq, index as u64 + 1);
        assert_eq!(event.log, log_id("a"));
        let push = pushed(event);
        assert_eq!(
            (&push["channel"], &push["epoch"], &push["seq"]),
            (&json!("a"), &json!(epoch), &json!(event.seq))
        );
        assert_eq!(push["event"]["type"], "message.new");
        let shown = &push["event"]["data"]["message"];
        assert_eq!(*shown, message(&committed));
        assert_eq!(shown["content"], format!("message {}", index + 1));
        assert_eq!(shown["seq"], event.seq);
    }
    assert_eq!(kit.head("a"), Cursor { epoch, seq: 5 });
    assert_eq!(kit.seqs("a", 2, ALL), [3, 4, 5]);
    assert_eq!(kit.seqs("a", 5, ALL), [0; 0]);
    assert_eq!(kit.seqs("a", 6, ALL), [0; 0]);
}

pub(super) fn channels_have_logs_of_their_own(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    kit.commit(draft(2, "b"));
    kit.commit(draft(3, "a"));
    assert_eq!(kit.seqs("a", 0, ALL), [1, 2]);
    assert_eq!(kit.seqs("b", 0, ALL), [1]);
    assert_eq!(kit.seqs("c", 0, ALL), [0; 0]);
}

pub(super) fn a_log_nobody_has_used_stands_at_0(kit: &mut Kit) {
    let before = kit.head("a");
    assert_eq!(before.seq, 0);
    kit.commit(draft(1, "b"));
    assert_eq!(kit.head("a"), before);
    kit.commit(draft(2, "a"));
    let epoch = before.epoch;
    assert_eq!(kit.head("a"), Cursor { epoch, seq: 1 });
    assert!(kit.log.heads(&[]).unwrap().is_empty());
}

pub(super) fn time_never_goes_back_in_a_channel(kit: &mut Kit) {
    let mut at = |number, channel, now_ms| {
        let draft = alo_gateway::store::Draft {
            now_ms,
            ..draft(number, channel)
        };
        message(&kit.commit(draft))["timestamp"].clone()
    };
    assert_eq!(at(1, "a", 500), "500");
    assert_eq!(at(2, "a", 400), "500");
    assert_eq!(at(3, "b", 400), "400");
    assert_eq!(at(4, "a", 501), "501");
}

pub(super) fn pages_keep_to_their_limits(kit: &mut Kit) {
    kit.answers((1..=10).map(|number| draft(number, "a")).collect());
    let four = PageLimit { events: 4, ..ALL };
    assert_eq!(kit.seqs("a", 3, four), [4, 5, 6, 7]);
    let tiny = PageLimit { bytes: 1, ..ALL };
    assert_eq!(kit.seqs("a", 3, tiny), [4], "one comes however large");
    let one = kit.events("a", 3, tiny)[0].push.len();
    let two = PageLimit {
        bytes: 2 * one,
        ..ALL
    };
    assert_eq!(kit.seqs("a", 3, two), [4, 5]);
    assert_eq!(kit.seqs("a", u64::MAX, ALL), [0; 0]);
}
