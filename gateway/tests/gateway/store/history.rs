//! Pages of history.

use alo_gateway::store::{Draft, PageLimit, Query, Rows};
use alo_protocol::{
    ErrorBody, ErrorCode, History, HistoryAround, HistoryPage, NewerPageToken, OlderPageToken,
};
use serde_json::Value;

use super::{ALL, Kit, draft, id, reply};

fn history(channel: &str, limit: u32) -> History {
    History {
        channel_id: channel.parse().unwrap(),
        limit,
        older_page_token: None,
        newer_page_token: None,
    }
}

fn older(page: &HistoryPage, limit: u32) -> History {
    History {
        older_page_token: page.older_page_token,
        ..history("a", limit)
    }
}

fn newer(page: &HistoryPage, limit: u32) -> History {
    History {
        newer_page_token: page.newer_page_token,
        ..history("a", limit)
    }
}

fn around(message: u64, limit: u32) -> HistoryAround {
    HistoryAround {
        channel_id: "a".parse().unwrap(),
        message_id: id(message),
        limit,
    }
}

fn ask(kit: &Kit, query: Query, limit: PageLimit) -> Result<HistoryPage, ErrorBody> {
    kit.log.read(&query, limit).map(|rows| match rows {
        Rows::Page(page) => page,
        other => panic!("{other:?}"),
    })
}

fn page(kit: &Kit, history: History) -> HistoryPage {
    ask(kit, Query::History(history), ALL).unwrap()
}

fn page_around(kit: &Kit, around: HistoryAround) -> HistoryPage {
    ask(kit, Query::HistoryAround(around), ALL).unwrap()
}

fn messages(page: &HistoryPage) -> Vec<Value> {
    let json = page.messages.iter().map(|message| message.get());
    json.map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

fn seqs(page: &HistoryPage) -> Vec<u64> {
    let seq = |message: &Value| message["seq"].as_u64().unwrap();
    messages(page).iter().map(seq).collect()
}

/// From the first to the second, newest first.
fn down(from: u64, to: u64) -> Vec<u64> {
    (to..=from).rev().collect()
}

fn fill(kit: &mut Kit, count: u64) {
    let drafts = (1..=count).flat_map(|number| [draft(number, "a"), draft(500_000 + number, "b")]);
    let drafts: Vec<_> = drafts.collect();
    assert!(kit.answers(drafts).iter().all(Result::is_ok));
}

/// Whether there are tokens to either side.
const fn ways(page: &HistoryPage) -> (bool, bool) {
    (
        page.older_page_token.is_some(),
        page.newer_page_token.is_some(),
    )
}

pub(super) fn an_empty_channel_has_an_empty_page(kit: &mut Kit) {
    let page = page(kit, history("a", 5));
    assert_eq!(seqs(&page), [0; 0]);
    assert_eq!(ways(&page), (false, false));
    assert_eq!(page.cursor, kit.head("a"));
}

pub(super) fn pages_join_in_both_directions_whatever_arrives_meanwhile(kit: &mut Kit) {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut last = 0;
    let mut arrive = |kit: &mut Kit, rng: &mut fastrand::Rng| {
        for _ in 0..rng.u64(0..4).saturating_sub(1) {
            last += 1;
            kit.commit(draft(last, "a"));
        }
        last
    };
    for round in 0..12 {
        let mut expected = arrive(kit, &mut rng);
        // Down to the oldest.
        let mut limit = rng.u32(1..8);
        let mut page_now = page(kit, history("a", limit));
        let newest_seen = expected;
        let mut seen = Vec::new();
        loop {
            let shown = seqs(&page_now);
            let end = expected.saturating_sub(u64::from(limit));
            assert_eq!(shown, down(expected, end + 1), "round {round}");
            assert_eq!(page_now.older_page_token.is_some(), end > 0);
            seen.extend(shown);
            expected = end;
            if page_now.older_page_token.is_none() {
                break;
            }
            arrive(kit, &mut rng);
            limit = rng.u32(1..8);
            page_now = page(kit, older(&page_now, limit));
            assert!(page_now.newer_page_token.is_some());
        }
        assert_eq!(seen, down(newest_seen, 1));
        // And up to the newest from somewhere.
        let head = arrive(kit, &mut rng);
        if head == 0 {
            continue;
        }
        let middle = rng.u64(1..=head);
        page_now = page_around(kit, around(middle, rng.u32(1..4)));
        let mut expected = seqs(&page_now)[0];
        while page_now.newer_page_token.is_some() {
            let head = arrive(kit, &mut rng);
            limit = rng.u32(1..8);
            page_now = page(kit, newer(&page_now, limit));
            let end = head.min(expected + u64::from(limit));
            assert_eq!(seqs(&page_now), down(end, expected + 1), "round {round}");
            assert_eq!(page_now.newer_page_token.is_some(), end < head);
            assert!(page_now.older_page_token.is_some());
            assert_eq!(page_now.cursor.seq, head);
            expected = end;
        }
    }
}

pub(super) fn around_a_message_stand_its_neighbours(kit: &mut Kit) {
    fill(kit, 20);
    let page = page_around(kit, around(10, 5));
    assert_eq!(seqs(&page), down(15, 5), "at most 11");
    assert_eq!(ways(&page), (true, true));
    let page = page_around(kit, around(5, 5));
    assert_eq!((seqs(&page), ways(&page)), (down(10, 1), (false, true)));
    let page = page_around(kit, around(16, 4));
    assert_eq!((seqs(&page), ways(&page)), (down(20, 12), (true, false)));
    let page = page_around(kit, around(1, 1));
    assert_eq!((seqs(&page), ways(&page)), (down(2, 1), (false, true)));
    let back = super::history::page(kit, newer(&page, 3));
    assert_eq!(seqs(&back), down(5, 3));
}

pub(super) fn pages_are_bounded_in_bytes(kit: &mut Kit) {
    fill(kit, 9);
    let size = page(kit, history("a", 1)).messages[0].get().len();
    let bytes = |bytes| PageLimit { events: 1, bytes };
    let ask = |query, limit| {
        let page = ask(kit, query, limit).unwrap();
        (seqs(&page), ways(&page))
    };
    let newest = || Query::History(history("a", 9));
    assert_eq!(ask(newest(), bytes(3 * size)), (down(9, 7), (true, false)));
    assert_eq!(
        ask(newest(), bytes(0)),
        (vec![9], (true, false)),
        "one always"
    );
    assert_eq!(ask(newest(), bytes(9 * size)), (down(9, 1), (false, false)));
    let after_2 = Query::History(History {
        newer_page_token: Some(NewerPageToken(id(2))),
        ..history("a", 9)
    });
    assert_eq!(ask(after_2, bytes(2 * size)), (down(4, 3), (true, true)));
    let around_5 = || Query::HistoryAround(around(5, 9));
    assert_eq!(ask(around_5(), bytes(0)), (vec![5], (true, true)));
    assert_eq!(ask(around_5(), bytes(3 * size)), (down(6, 4), (true, true)));
    assert_eq!(
        ask(around_5(), bytes(9 * size)),
        (down(9, 1), (false, false))
    );
}

pub(super) fn wrong_arguments_are_named(kit: &mut Kit) {
    fill(kit, 3);
    let refused = |query| ask(kit, query, ALL).unwrap_err();
    let invalid = |query, name: &str| {
        let error = refused(query);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.starts_with(name), "{}", error.message);
    };
    for limit in [0, 1_001, u32::MAX] {
        invalid(
            Query::History(history("a", limit)),
            "limit: must be 1 to 1000",
        );
        invalid(Query::HistoryAround(around(1, limit)), "limit:");
    }
    let unknown = [id(99), id(500_001)];
    for id in unknown {
        let older = History {
            older_page_token: Some(OlderPageToken(id)),
            ..history("a", 5)
        };
        invalid(Query::History(older), "olderPageToken:");
        let newer = History {
            newer_page_token: Some(NewerPageToken(id)),
            ..history("a", 5)
        };
        invalid(Query::History(newer), "newerPageToken:");
        let around = HistoryAround {
            message_id: id,
            ..around(1, 5)
        };
        let error = refused(Query::HistoryAround(around));
        assert_eq!(error.code, ErrorCode::MessageNotFound);
        assert!(error.message.starts_with("messageId:"));
    }
    let both = History {
        older_page_token: Some(OlderPageToken(id(1))),
        newer_page_token: Some(NewerPageToken(id(1))),
        ..history("a", 5)
    };
    invalid(Query::History(both), "newerPageToken:");
    // At either end there is nothing, and no way but back.
    let ends = |older_page_token, newer_page_token| {
        let page = page(
            kit,
            History {
                older_page_token,
                newer_page_token,
                ..history("a", 5)
            },
        );
        (seqs(&page), ways(&page))
    };
    assert_eq!(
        ends(Some(OlderPageToken(id(1))), None),
        (vec![], (false, true))
    );
    assert_eq!(
        ends(None, Some(NewerPageToken(id(3)))),
        (vec![], (true, false))
    );
}

pub(super) fn pages_show_replies_and_the_state_of_the_log(kit: &mut Kit) {
    let whole = kit.file(1, 3, 3);
    kit.commit(Draft {
        file_ids: vec![whole],
        ..draft(1, "a")
    });
    kit.commit(reply(2, "a", 1));
    let page = page(kit, history("a", 5));
    assert_eq!(page.cursor, kit.head("a"));
    let shown = messages(&page);
    for (event, shown) in kit.events("a", 0, ALL).iter().zip(shown.iter().rev()) {
        assert_eq!(super::pushed(event)["event"]["data"]["message"], *shown);
    }
    assert_eq!(shown[0]["parent"], shown[1]);
    assert_eq!(shown[1]["files"][0]["id"], whole.to_string());
}
