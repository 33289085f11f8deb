//! How many messages channels have had since a time.

use alo_gateway::store::{Change, Cut, Deleter, Deletion, Query, Rows, Upto};
use alo_protocol::{ChannelSince, MAX_COUNT, MessageCounts};

use super::{ALL, Kit, draft, id};

fn counts(kit: &Kit, since: &[(&str, u64)]) -> Vec<(String, u32)> {
    let since = since.iter().map(|(channel, timestamp)| ChannelSince {
        channel_id: channel.parse().unwrap(),
        timestamp: *timestamp,
    });
    let query = Query::Counts(MessageCounts {
        channels: since.collect(),
    });
    match kit.log.read(&query, ALL).unwrap() {
        Rows::Counts(counts) => {
            let channels = counts.channels.into_iter();
            channels
                .map(|one| (one.id.to_string(), one.count))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn count(kit: &Kit, channel: &str, timestamp: u64) -> u32 {
    counts(kit, &[(channel, timestamp)])[0].1
}

/// Messages 1 to 5 of `a`, sent at 10 to 50 ms, and one of `b` at 60 ms.
fn fill(kit: &mut Kit) {
    for number in 1..=5 {
        let mut draft = draft(number, "a");
        draft.now_ms = number * 10;
        kit.commit(draft);
    }
    let mut other = draft(6, "b");
    other.now_ms = 60;
    kit.commit(other);
}

pub(super) fn messages_after_a_time_are_counted_in_the_order_of_the_request(kit: &mut Kit) {
    assert_eq!(count(kit, "a", 0), 0);
    fill(kit);
    for (since, expected) in [(0, 5), (9, 5), (10, 4), (49, 1), (50, 0), (u64::MAX, 0)] {
        assert_eq!(count(kit, "a", since), expected, "{since}");
    }
    assert_eq!(
        counts(kit, &[("quiet", 0), ("b", 59), ("a", 30)]),
        [("quiet".into(), 0), ("b".into(), 1), ("a".into(), 2)]
    );
    assert_eq!(counts(kit, &[]), []);
}

pub(super) fn what_is_deleted_or_cut_off_is_not_counted(kit: &mut Kit) {
    fill(kit);
    let deletion = |message| {
        Change::Delete(Deletion {
            channel: "a".parse().unwrap(),
            message: id(message),
            by: Deleter::Platform,
        })
    };
    kit.store.commit(vec![deletion(4)])[0].as_ref().unwrap();
    assert_eq!(count(kit, "a", 0), 4);
    assert_eq!(count(kit, "a", 30), 1);
    // Gone for readers, although only one row is removed.
    let cut = Change::Cut(Cut {
        channel: "a".parse().unwrap(),
        upto: Upto::OlderThan(40),
        most: 3,
    });
    kit.store.commit(vec![cut])[0].as_ref().unwrap();
    assert_eq!(count(kit, "a", 0), 1);
    let all = Change::Cut(Cut {
        channel: "a".parse().unwrap(),
        upto: Upto::All,
        most: 1,
    });
    kit.store.commit(vec![all])[0].as_ref().unwrap();
    assert_eq!(count(kit, "a", 0), 0);
    assert_eq!(count(kit, "b", 0), 1);
}

pub(super) fn a_count_ends_at_its_greatest_number(kit: &mut Kit) {
    let most = u64::from(MAX_COUNT);
    kit.answers((1..most).map(|number| draft(number, "a")).collect());
    assert_eq!(u64::from(count(kit, "a", 0)), most - 1);
    kit.answers((most..=most + 2).map(|number| draft(number, "a")).collect());
    assert_eq!(count(kit, "a", 0), MAX_COUNT);
    assert_eq!(count(kit, "a", most), 2);
}

/// A measurement: `cargo test … counting_a_million -- --ignored --nocapture`.
#[test]
#[ignore = "takes a minute"]
fn counting_a_million_messages_is_as_fast_as_counting_ten_thousand() {
    let folder = tempfile::tempdir().unwrap();
    let mut kit = Kit::sqlite(&folder.path().join("chat.db"));
    for batch in 0..100 {
        let numbers = batch * 10_000 + 1..=(batch + 1) * 10_000;
        kit.answers(numbers.map(|number| draft(number, "a")).collect());
    }
    for since in [0, 500_000, 989_999, 999_990] {
        let start = std::time::Instant::now();
        let mut counted = 0;
        for _ in 0..100 {
            counted = count(&kit, "a", since);
        }
        println!("since {since}: {counted}, {:?} each", start.elapsed() / 100);
    }
}
