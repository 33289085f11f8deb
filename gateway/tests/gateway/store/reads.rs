//! What users have read.

use alo_gateway::store::{
    Change, Committed, Cut, Deleter, Deletion, Draft, LogId, Mark, Rows, Upto,
};
use alo_protocol::{ErrorBody, ErrorCode, ReadCount};
use serde_json::{Value, json};

use super::{ALL, Kit, Query, draft, hint, id, message, pushed};

fn own(user: &str) -> LogId {
    LogId::User(user.parse().unwrap())
}

fn of(user: &str, number: u64, channel: &str) -> Draft {
    Draft {
        user_id: user.into(),
        ..draft(number, channel)
    }
}

fn marking(user: &str, number: u64, channel: &str) -> Change {
    Change::MarkRead(Mark {
        channel: channel.parse().unwrap(),
        message: id(number),
        user: user.parse().unwrap(),
    })
}

fn mark(kit: &mut Kit, user: &str, number: u64) -> Result<Committed, ErrorBody> {
    let change = marking(user, number, "a");
    kit.store.commit(vec![change]).pop().unwrap()
}

fn deletion(number: u64) -> Change {
    Change::Delete(Deletion {
        channel: "a".parse().unwrap(),
        message: id(number),
        by: Deleter::Platform,
    })
}

fn cut(kit: &mut Kit, upto: Upto, most: usize) {
    let cut = Cut {
        channel: "a".parse().unwrap(),
        upto,
        most,
    };
    kit.store.commit(vec![Change::Cut(cut)])[0]
        .as_ref()
        .unwrap();
}

fn counts(kit: &Kit, user: &str, channels: &[&str]) -> Vec<ReadCount> {
    let query = Query::Reads {
        user: user.parse().unwrap(),
        channels: channels.iter().map(|id| id.parse().unwrap()).collect(),
    };
    match kit.log.read(&query, ALL).unwrap() {
        Rows::Reads(counts) => counts.channels,
        other => panic!("{other:?}"),
    }
}

fn count(kit: &Kit, user: &str) -> u64 {
    counts(kit, user, &["a"])[0].count
}

fn tail(kit: &Kit, user: &str, after: u64) -> Rows {
    let log = own(user);
    kit.log.read(&Query::Tail { log, after }, ALL).unwrap()
}

/// The data of the events of a user's own log.
fn events(kit: &Kit, user: &str, after: u64) -> Vec<Value> {
    let Rows::Events(events) = tail(kit, user, after) else {
        panic!("a gap after {after}")
    };
    let data = |push: Value| {
        assert_eq!(push["channel"], "");
        assert_eq!(push["event"]["type"], "read.updated");
        push["event"]["data"].clone()
    };
    events.iter().map(|event| data(pushed(event))).collect()
}

fn read(number: u64, seq: u64) -> Value {
    json!({"channelId": "a", "messageId": id(number), "messageSeq": seq})
}

/// Against a model that counts message by message.
pub fn what_is_not_read_is_counted_whatever_else_happens(kit: &mut Kit) {
    use std::collections::BTreeMap;
    let mut random = fastrand::Rng::with_seed(7);
    // The sequences of the messages that are there, the deleted ones, and the marks.
    let (mut there, mut gone) = (BTreeMap::new(), BTreeMap::new());
    let mut marks: BTreeMap<&str, u64> = BTreeMap::new();
    let users = ["ada", "bob", "eve"];
    let (mut head, mut begin) = (0, 0);
    for number in 1..=400 {
        let user = users[random.usize(..2)];
        let any = |random: &mut fastrand::Rng, from: &BTreeMap<u64, u64>| {
            let place = random.usize(..from.len().max(1));
            from.iter().nth(place).map(|(number, seq)| (*number, *seq))
        };
        match random.u8(..10) {
            0..=4 => {
                let sent = kit.commit(of(user, number, "a"));
                head = sent.event().unwrap().seq;
                there.insert(number, head);
                marks.insert(user, head);
            }
            5..=6 => {
                if let Some((number, seq)) = any(&mut random, &there) {
                    let change = deletion(number);
                    kit.store.commit(vec![change])[0].as_ref().unwrap();
                    there.remove(&number);
                    gone.insert(number, seq);
                    head += 1;
                }
            }
            7..=8 => {
                let from = if random.bool() { &there } else { &gone };
                if let Some((number, seq)) = any(&mut random, from) {
                    mark(kit, user, number).unwrap();
                    if seq > begin {
                        let mark = marks.entry(user).or_default();
                        *mark = (*mark).max(seq);
                    }
                }
            }
            _ if number % 7 == 0 => {
                let before = number.saturating_sub(60);
                let most = random.usize(1..5);
                cut(kit, Upto::OlderThan(before), most);
                // As far as one step comes.
                let old = there.range(..before).take(most);
                let last = old.map(|(_, seq)| *seq).max();
                begin = last.unwrap_or(begin);
                // What is cut off is forgotten.
                marks.retain(|_, mark| *mark > begin);
                for (number, seq) in there.clone() {
                    if Some(seq) <= last {
                        there.remove(&number);
                        gone.insert(number, seq);
                    }
                }
            }
            _ => {}
        }
        for user in users {
            let mark = marks.get(user).copied().unwrap_or(0);
            let expected = there.values().filter(|seq| **seq > mark).count() as u64;
            let counted = counts(kit, user, &["a"]).remove(0);
            assert_eq!(counted.count, expected, "{user} after step {number}");
            assert_eq!(counted.cursor.seq, head);
            let by_seq = |(_, seq): &(&u64, &u64)| **seq == mark;
            let all = there.iter().chain(&gone);
            let number = all.into_iter().find(by_seq).map(|(number, _)| id(*number));
            assert_eq!(counted.last_read_message_id, number);
        }
    }
    assert!(there.len() > 20 && gone.len() > 20 && begin > 0);
}

pub fn a_mark_moves_forward_only_and_is_an_event_of_the_users_own_log(kit: &mut Kit) {
    kit.answers((1..=5).map(|number| draft(number, "a")).collect());
    assert_eq!(count(kit, "bob"), 5);
    let first = mark(kit, "bob", 3).unwrap();
    assert_eq!(message(&first), read(3, 3));
    let event = first.event().unwrap();
    assert_eq!((&event.log, event.seq), (&own("bob"), 1));
    for earlier in [3, 2, 1] {
        let answer = mark(kit, "bob", earlier).unwrap();
        assert_eq!(message(&answer), read(3, 3), "{earlier}");
        assert_eq!(hint(&answer), (own("bob"), 1));
    }
    assert_eq!(events(kit, "bob", 0), [read(3, 3)]);
    let counted = counts(kit, "bob", &["a"]).remove(0);
    assert_eq!(counted.count, 2);
    assert_eq!(counted.last_read_message_id, Some(id(3)));
    assert_eq!(counted.last_read_timestamp.as_deref(), Some("3"));
    mark(kit, "bob", 5).unwrap();
    assert_eq!(count(kit, "bob"), 0);
    // The order of the answer is that of the question.
    kit.commit(draft(9, "b"));
    let two = counts(kit, "bob", &["b", "never used", "a"]);
    let two = two.iter().map(|one| (one.id.as_str(), one.count));
    assert_eq!(Vec::from_iter(two), [("b", 1), ("never used", 0), ("a", 0)]);
}

pub fn who_sends_has_read_what_stands_before(kit: &mut Kit) {
    kit.answers((1..=3).map(|number| draft(number, "a")).collect());
    kit.commit(of("bob", 4, "a"));
    kit.commit(draft(5, "a"));
    assert_eq!((count(kit, "ada"), count(kit, "bob")), (0, 1));
    // Nor does it become unread when the message is deleted.
    kit.store.commit(vec![deletion(4)])[0].as_ref().unwrap();
    let counted = counts(kit, "bob", &["a"]).remove(0);
    assert_eq!(counted.count, 1);
    assert_eq!(counted.last_read_message_id, Some(id(4)));
    assert_eq!(counted.last_read_timestamp, None);
    assert!(events(kit, "bob", 0).is_empty(), "the message is the event");
    // A mark before it changes nothing.
    let answer = mark(kit, "bob", 2).unwrap();
    assert_eq!(message(&answer), read(4, 4));
    // Nor does a repeated send.
    mark(kit, "bob", 5).unwrap();
    kit.commit(of("bob", 6, "a"));
    assert_eq!(kit.refused(of("bob", 4, "a")), ErrorCode::Gone);
    assert_eq!(count(kit, "bob"), 0);
}

pub fn a_mark_of_an_unknown_message_is_refused_and_of_a_deleted_one_is_not(kit: &mut Kit) {
    kit.answers((1..=3).map(|number| draft(number, "a")).collect());
    kit.commit(draft(7, "b"));
    for unknown in [7, 9] {
        let error = mark(kit, "bob", unknown).unwrap_err();
        assert_eq!(error.code, ErrorCode::MessageNotFound);
        assert!(error.message.starts_with("messageId:"), "{error:?}");
    }
    assert!(events(kit, "bob", 0).is_empty());
    kit.store.commit(vec![deletion(2)])[0].as_ref().unwrap();
    let deleted = mark(kit, "bob", 2).unwrap();
    assert_eq!(message(&deleted), read(2, 2));
    assert_eq!(count(kit, "bob"), 1);
}

pub fn counts_and_marks_of_a_batch_see_what_stands_before_them(kit: &mut Kit) {
    let answers = kit.store.commit(vec![
        Change::Send(draft(1, "a")),
        Change::Send(draft(2, "a")),
        marking("bob", 2, "a"),
        marking("bob", 1, "a"),
        Change::Send(of("bob", 3, "a")),
        marking("bob", 2, "a"),
        deletion(3),
        Change::Send(draft(4, "a")),
    ]);
    let data = |index: usize| message(answers[index].as_ref().unwrap());
    assert_eq!((data(2), data(3)), (read(2, 2), read(2, 2)));
    assert_eq!(data(5), read(3, 3));
    assert_eq!((count(kit, "bob"), count(kit, "ada")), (1, 0));
    assert_eq!(events(kit, "bob", 0), [read(3, 3)]);
}

pub fn a_users_log_is_cut_and_its_replay_shows_the_present_marks(kit: &mut Kit) {
    const MARKS: u64 = 1_010;
    for numbers in [1..=500, 501..=MARKS] {
        kit.answers(numbers.clone().map(|number| draft(number, "a")).collect());
        let marks = numbers.map(|number| marking("bob", number, "a")).collect();
        assert!(kit.store.commit(marks).iter().all(Result::is_ok));
    }
    let Rows::Gap(head) = tail(kit, "bob", 9) else {
        panic!("more is kept than a thousand")
    };
    assert_eq!(head.seq, MARKS);
    let kept = events(kit, "bob", 10);
    assert_eq!(kept, vec![read(MARKS, MARKS); 1_000]);
}

pub fn logs_of_users_are_their_own(kit: &mut Kit) {
    kit.answers((1..=3).map(|number| draft(number, "a")).collect());
    for (user, number) in [("bob", 1), ("eve", 2), ("bob", 3)] {
        mark(kit, user, number).unwrap();
    }
    assert_eq!(events(kit, "bob", 0), [read(3, 3), read(3, 3)]);
    assert_eq!(events(kit, "eve", 0), [read(2, 2)]);
    assert!(events(kit, "ada", 0).is_empty());
    // A channel that is called as a user is another log.
    assert!(kit.events("bob", 0, ALL).is_empty());
}

pub fn erasing_a_channel_forgets_its_marks(kit: &mut Kit) {
    kit.answers((1..=3).map(|number| draft(number, "a")).collect());
    mark(kit, "bob", 2).unwrap();
    cut(kit, Upto::All, 10);
    assert_eq!(count(kit, "bob"), 0);
    kit.commit(draft(4, "a"));
    mark(kit, "eve", 4).unwrap();
    // What is cut off cannot be marked again.
    assert_eq!(
        message(&mark(kit, "bob", 3).unwrap()),
        json!({"channelId": "a"})
    );
    let counted = counts(kit, "bob", &["a"]).remove(0);
    assert_eq!((counted.count, counted.last_read_message_id), (1, None));
    assert_eq!(events(kit, "bob", 0), [json!({"channelId": "a"})]);
    assert_eq!(count(kit, "eve"), 0, "it was read since");
}

pub fn erasing_a_user_forgets_marks_and_leaves_readers_a_gap(kit: &mut Kit) {
    kit.answers((1..=9).map(|number| draft(number, "a")).collect());
    for number in [2, 5] {
        mark(kit, "bob", number).unwrap();
    }
    mark(kit, "eve", 3).unwrap();
    kit.erasure.remove_user(&"bob".parse().unwrap()).unwrap();
    let counted = counts(kit, "bob", &["a"]).remove(0);
    assert_eq!((counted.count, counted.last_read_message_id), (9, None));
    assert_eq!(count(kit, "eve"), 6);
    // What begins now is never taken for what was there: neither by who is behind nor by who is at the head.
    let again = mark(kit, "bob", 1).unwrap();
    assert_eq!(again.event().unwrap().seq, 4);
    for known in [0, 1, 2] {
        let Rows::Gap(head) = tail(kit, "bob", known) else {
            panic!("no gap after {known}")
        };
        assert_eq!(head.seq, 4);
    }
    assert_eq!(events(kit, "bob", 3), [read(1, 1)]);
    // The same for a user whose log begins later.
    assert_eq!(kit.log.heads(&[own("new")]).unwrap()[0].seq, 3);
    assert!(events(kit, "new", 3).is_empty());
}
