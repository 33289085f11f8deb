//! Deleting messages and cutting logs.

use alo_gateway::store::{Change, Committed, Cut, Deleter, Deletion, Draft, Owner, Rows, Upto};
use alo_protocol::{ErrorBody, ErrorCode, History, HistoryAround, HistoryPage, OlderPageToken};
use serde_json::Value;

use super::{ALL, Kit, Query, draft, hint, id, log_id, message, pushed, reply};

pub fn a_deleted_message_is_gone_and_its_deletion_is_an_event(kit: &mut Kit) {
    kit.answers((1..=3).map(|number| draft(number, "a")).collect());
    let deleted = delete(kit, 2, Deleter::Platform).unwrap();
    let data = serde_json::json!({"channelId": "a", "messageId": id(2), "messageSeq": 2});
    assert_eq!(message(&deleted), data);
    let event = deleted.event().unwrap();
    assert_eq!(event.seq, 4);
    assert_eq!(pushed(event)["event"]["type"], "message.deleted");
    assert_eq!(pushed(event)["event"]["data"], data);
    assert_eq!(contents(kit), ["message 3", "message 1"]);
    // A replay has no gap, and nothing of the message.
    let events = kit.events("a", 0, ALL);
    let kinds: Vec<_> = events
        .iter()
        .map(|event| pushed(event)["event"]["type"].clone())
        .collect();
    let (new, gone) = ("message.new", "message.deleted");
    assert_eq!(kinds, [new, gone, new, gone]);
    assert_eq!(kit.seqs("a", 0, ALL), [1, 2, 3, 4]);
    assert_eq!(pushed(&events[1])["event"]["data"], data);
    assert_eq!(events[3].push, event.push);
    assert!(events.iter().all(|event| !event.push.contains("message 2")));
    // What comes later is numbered on.
    assert_eq!(kit.commit(draft(5, "a")).event().unwrap().seq, 5);
}

pub fn a_deletion_is_repeated_with_the_same_answer(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    let first = delete(kit, 1, Deleter::Platform).unwrap();
    let again = delete(kit, 1, Deleter::Platform).unwrap();
    assert_eq!(first.message, again.message);
    assert_eq!(hint(&again), (log_id("a"), 2));
    let unknown = delete(kit, 9, Deleter::Platform).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::MessageNotFound);
    // In one batch, too.
    let both = [
        Change::Send(draft(3, "a")),
        deletion(3, Deleter::Platform),
        deletion(3, Deleter::Platform),
        Change::Send(draft(3, "a")),
    ];
    let answers = kit.store.commit(both.into());
    assert!(answers[..3].iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answers[3].as_ref().unwrap_err().code, ErrorCode::Gone);
    assert_eq!(kit.head("a").seq, 4);
    assert!(contents(kit).is_empty());
}

pub fn the_key_of_a_deleted_message_makes_no_other(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    delete(kit, 1, Deleter::Platform).unwrap();
    assert_eq!(kit.refused(draft(1, "a")), ErrorCode::Gone);
    kit.commit(draft(2, "a"));
    cut(kit, Upto::All, 10);
    assert_eq!(kit.refused(draft(2, "a")), ErrorCode::Gone);
    // Of another channel it is another key.
    kit.commit(Draft {
        id: id(7),
        ..draft(1, "b")
    });
}

pub fn a_reply_to_a_deleted_message_has_a_root_and_no_parent(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    kit.commit(reply(2, "a", 1));
    delete(kit, 1, Deleter::Platform).unwrap();
    let shown = message(&kit.commit(reply(2, "a", 1)));
    assert!(shown.get("parent").is_none(), "{shown}");
    assert_eq!(shown["rootMessageId"], id(1).to_string());
    assert_eq!(kit.refused(reply(3, "a", 1)), ErrorCode::MessageNotFound);
    // One that is cut off is not there either, before its row is removed.
    kit.commit(reply(4, "a", 2));
    cut(kit, Upto::OlderThan(3), 1);
    let shown = message(&kit.commit(reply(4, "a", 2)));
    assert!(shown.get("parent").is_none(), "{shown}");
}

pub fn files_of_deleted_messages_end(kit: &mut Kit) {
    let with_file = |number: u64, file| Draft {
        file_ids: vec![file],
        ..draft(number, "a")
    };
    let (first, second, free) = (kit.file(1, 5, 5), kit.file(2, 5, 5), kit.file(3, 5, 5));
    kit.commit(with_file(1, first));
    kit.commit(with_file(2, second));
    delete(kit, 1, Deleter::Platform).unwrap();
    cut(kit, Upto::All, 10);
    for file in [first, second] {
        let row = kit.files.find(file).unwrap().unwrap();
        assert!(row.ended && row.message.is_none());
        assert!(row.name.is_empty() && row.user_id.is_empty() && row.metadata.is_empty());
        assert_eq!(
            kit.refused(with_file(3, file)),
            ErrorCode::FileNotFound,
            "it cannot be used again"
        );
    }
    let ended = kit.files.expire(0).unwrap();
    assert_eq!(ended, [first, second]);
    assert!(!kit.files.find(free).unwrap().unwrap().ended);
    let owner = Owner::User("ada".parse().unwrap());
    kit.erasure.end_uploads(&owner).unwrap();
    assert!(kit.files.find(free).unwrap().unwrap().name.is_empty());
}

pub fn a_user_deletes_own_messages_only(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    let refused = delete(kit, 1, Deleter::User("bob".into())).unwrap_err();
    assert_eq!(refused.code, ErrorCode::MessageNotFound);
    assert_eq!(contents(kit), ["message 1"]);
    delete(kit, 1, Deleter::User("ada".into())).unwrap();
    assert!(contents(kit).is_empty());
}

pub fn a_channel_that_is_cut_is_empty_at_once_and_goes_on(kit: &mut Kit) {
    kit.answers((1..=5).map(|number| draft(number, "a")).collect());
    let epoch = kit.head("a").epoch;
    // One step removes two messages; all are gone.
    let notice = hint(&cut(kit, Upto::All, 2));
    assert_eq!(notice, (log_id("a"), 6), "subscribers learn of it");
    assert!(contents(kit).is_empty());
    let around = HistoryAround {
        channel_id: "a".parse().unwrap(),
        message_id: id(4),
        limit: 1,
    };
    let Err(error) = kit.log.read(&Query::HistoryAround(around), ALL) else {
        panic!("a message that is gone was found")
    };
    assert_eq!(error.code, ErrorCode::MessageNotFound);
    for after in [0, 3, 5] {
        let Rows::Gap(head) = kit.tail("a", after, ALL) else {
            panic!("no gap after {after}")
        };
        assert_eq!((head.seq, &head.epoch), (6, &epoch));
    }
    assert_eq!(kit.refused(draft(4, "a")), ErrorCode::Gone);
    assert!(kit.erasure.has_cut(&"a".parse().unwrap()).unwrap());
    let mut steps = 0;
    while kit.erasure.has_cut(&"a".parse().unwrap()).unwrap() {
        assert_eq!(hint(&cut(kit, Upto::Known, 2)).1, 6);
        steps += 1;
    }
    assert_eq!(steps, 2);
    assert_eq!(kit.refused(draft(4, "a")), ErrorCode::Gone);
    let next = kit.commit(draft(9, "a"));
    assert_eq!(next.event().unwrap().seq, 7);
    assert_eq!(kit.seqs("a", 6, ALL), [7]);
    // What is cut already is not cut again.
    cut(kit, Upto::All, 2);
    assert_eq!(kit.head("a").seq, 8);
    cut(kit, Upto::All, 2);
    cut(kit, Upto::All, 2);
    assert_eq!(kit.head("a").seq, 8);
    // A channel nobody has used stays so.
    let other = Cut {
        channel: "b".parse().unwrap(),
        upto: Upto::All,
        most: 2,
    };
    assert!(kit.store.commit(vec![Change::Cut(other)])[0].is_ok());
    assert_eq!(kit.head("b").seq, 0);
}

pub fn a_cut_by_age_leaves_what_is_newer(kit: &mut Kit) {
    kit.answers((1..=6).map(|number| draft(number, "a")).collect());
    delete(kit, 2, Deleter::Platform).unwrap();
    let due = |kit: &Kit, before| kit.erasure.due(before, None).unwrap().found;
    assert!(due(kit, 1).is_empty());
    assert_eq!(due(kit, 5), ["a".parse().unwrap()]);
    let mut steps = 0;
    while !due(kit, 5).is_empty() {
        cut(kit, Upto::OlderThan(5), 2);
        steps += 1;
    }
    assert_eq!(steps, 2);
    assert_eq!(contents(kit), ["message 6", "message 5"]);
    assert_eq!(kit.seqs("a", 4, ALL), [5, 6, 7]);
    let Rows::Gap(head) = kit.tail("a", 3, ALL) else {
        panic!("no gap")
    };
    assert_eq!(head.seq, 7);
    for number in [1, 2, 4] {
        assert_eq!(kit.refused(draft(number, "a")), ErrorCode::Gone);
    }
    // A message from a clock that was ahead keeps no older one.
    let ahead = Draft {
        now_ms: 1_000_000_000,
        ..draft(7, "b")
    };
    kit.answers(vec![ahead, draft(8, "b")]);
    let step = Cut {
        channel: "b".parse().unwrap(),
        upto: Upto::OlderThan(9),
        most: 10,
    };
    kit.store.commit(vec![Change::Cut(step)]);
    assert_eq!(kit.refused(draft(7, "b")), ErrorCode::Gone);
}

pub fn pages_go_on_behind_messages_that_are_deleted(kit: &mut Kit) {
    kit.answers((1..=6).map(|number| draft(number, "a")).collect());
    let first = page(kit, 2, None).unwrap();
    let token = first.older_page_token.unwrap();
    delete(kit, 5, Deleter::Platform).unwrap();
    delete(kit, 3, Deleter::Platform).unwrap();
    let second = page(kit, 2, Some(token)).unwrap();
    assert_eq!(shown(&second), ["message 4", "message 2"]);
    cut(kit, Upto::OlderThan(2), 10);
    let third = page(kit, 2, second.older_page_token).unwrap();
    assert!(third.messages.is_empty() && third.older_page_token.is_none());
}

pub fn a_page_names_no_way_back_to_what_is_deleted(kit: &mut Kit) {
    kit.answers((1..=4).map(|number| draft(number, "a")).collect());
    let newest = page(kit, 2, None).unwrap();
    let older = page(kit, 2, newest.older_page_token).unwrap();
    assert_eq!(shown(&older), ["message 2", "message 1"]);
    assert!(older.newer_page_token.is_some());
    for number in [3, 4] {
        delete(kit, number, Deleter::Platform).unwrap();
    }
    let older = page(kit, 2, newest.older_page_token).unwrap();
    assert_eq!(shown(&older), ["message 2", "message 1"]);
    assert!(older.newer_page_token.is_none());
    kit.commit(draft(5, "a"));
    let older = page(kit, 2, newest.older_page_token).unwrap();
    assert!(older.newer_page_token.is_some());
}

pub fn the_messages_of_a_user_are_found(kit: &mut Kit) {
    let of_bob = |number, channel| Draft {
        user_id: "bob".into(),
        ..draft(number, channel)
    };
    kit.answers(vec![
        draft(1, "a"),
        of_bob(2, "a"),
        of_bob(3, "b"),
        draft(4, "b"),
    ]);
    let bob = "bob".parse().unwrap();
    let found = kit.erasure.messages_of(&bob, None).unwrap();
    let expected =
        [("a", 2), ("b", 3)].map(|(channel, number)| (channel.parse().unwrap(), id(number)));
    assert_eq!(found.found, expected);
    assert!(found.next.is_none());
}

fn deletion(number: u64, by: Deleter) -> Change {
    Change::Delete(Deletion {
        channel: "a".parse().unwrap(),
        message: id(number),
        by,
    })
}

fn delete(kit: &mut Kit, number: u64, by: Deleter) -> Result<Committed, ErrorBody> {
    kit.store.commit(vec![deletion(number, by)]).pop().unwrap()
}

fn cut(kit: &mut Kit, upto: Upto, most: usize) -> Committed {
    let cut = Cut {
        channel: "a".parse().unwrap(),
        upto,
        most,
    };
    kit.store
        .commit(vec![Change::Cut(cut)])
        .pop()
        .unwrap()
        .unwrap()
}

fn page(kit: &Kit, limit: u32, older: Option<OlderPageToken>) -> Result<HistoryPage, ErrorBody> {
    let history = History {
        channel_id: "a".parse().unwrap(),
        limit,
        older_page_token: older,
        newer_page_token: None,
    };
    match kit.log.read(&Query::History(history), ALL)? {
        Rows::Page(page) => Ok(page),
        other => panic!("{other:?}"),
    }
}

fn shown(page: &HistoryPage) -> Vec<String> {
    let messages = page.messages.iter();
    let content = messages.map(|json| {
        let message: Value = serde_json::from_str(json.get()).unwrap();
        message["content"].as_str().unwrap().to_owned()
    });
    content.collect()
}

fn contents(kit: &Kit) -> Vec<String> {
    shown(&page(kit, 100, None).unwrap())
}
