//! Pages made by hand: the right ones pass, and each that is wrong is seen.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use serde_json::{Value, json};

use super::*;
use crate::features::subscribe::Readers;

const PAGE: PageId = PageId { client: 0, life: 0 };

/// A model with a channel `a` whose messages are numbered from 1.
struct Made {
    model: Model,
    history: Histories,
    calls: u32,
}

fn a() -> ChannelId {
    "a".parse().unwrap()
}

fn id(seq: u64) -> Uuid {
    Uuid::v7(seq, [7; 10])
}

fn older(seq: u64) -> Value {
    json!(format!("o{seq}"))
}

fn newer(seq: u64) -> Value {
    json!(format!("n{seq}"))
}

/// A page with these messages, of the log up to `head`.
fn page(seqs: impl IntoIterator<Item = u64>, head: u64) -> Value {
    let seqs: Vec<_> = seqs.into_iter().collect();
    let messages: Vec<_> = seqs
        .iter()
        .map(|seq| json!({"id": id(*seq), "channelId": "a", "content": "?"}))
        .collect();
    let mut page = json!({"messages": messages, "cursor": {"epoch": "e0", "seq": head}});
    if let Some(oldest) = seqs.last().filter(|seq| **seq > 1) {
        page["olderPageToken"] = older(*oldest);
    }
    if let Some(newest) = seqs.first().filter(|seq| **seq < head) {
        page["newerPageToken"] = newer(*newest);
    }
    page
}

impl Made {
    fn new(messages: u64) -> Self {
        let mut made = Self {
            model: Model::new(),
            history: Histories::default(),
            calls: 0,
        };
        made.model.epoch("e0");
        made.store(messages);
        made
    }

    fn store(&mut self, messages: u64) {
        for _ in 0..messages {
            let seq = self.model.head(&a()) + 1;
            self.model.append(&a(), seq, seq, id(seq)).unwrap();
        }
    }

    fn ask_with(
        &mut self,
        which: Which,
        limit: usize,
        walk: Option<Walk>,
        reading: Option<Reading>,
    ) -> (PageId, CallId) {
        self.calls += 1;
        let key = (PAGE, CallId(self.calls));
        let ask = Ask {
            channel: a(),
            which,
            limit,
            follow: Follow::Never,
            walk,
        };
        self.history.asked(&self.model, key, ask, reading);
        key
    }

    fn ask(&mut self, which: Which, limit: usize) -> (PageId, CallId) {
        self.ask_with(which, limit, None, None)
    }

    fn answer(&mut self, key: (PageId, CallId), page: &Value) -> Result<Next, String> {
        self.history.answered(&self.model, key, &page.to_string())
    }

    fn load(&mut self, which: Which, limit: usize, page: &Value) -> Result<Next, String> {
        let key = self.ask(which, limit);
        self.answer(key, page)
    }

    fn deliver(&mut self, seq: u64) -> Verdict {
        let event = (&a(), seq, id(seq));
        let (channel, seq, id) = event;
        self.history
            .delivered(&self.model, PAGE, (channel, seq, Some(id)))
    }

    fn refuse(&mut self, key: (PageId, CallId), code: ErrorCode) -> Verdict {
        self.history
            .refused(&self.model, key, &Error::new(code, "simulated"))
    }
}

fn fails(result: Result<Next, String>, with: &str) {
    let error = result.unwrap_err();
    assert!(error.contains(with), "{error:?} does not speak of {with:?}");
}

#[test]
fn the_newest_page_is_the_end_of_the_log() {
    let mut made = Made::new(10);
    made.load(Which::Newest, 3, &page([10, 9, 8], 10)).unwrap();
    made.load(Which::Newest, 100, &page((1..=10).rev(), 10))
        .unwrap();
    // It may have fewer than the limit.
    made.load(Which::Newest, 100, &page([10], 10)).unwrap();
    Made::new(0).load(Which::Newest, 3, &page([], 0)).unwrap();

    let mut wrong = |page: Value, with| fails(made.load(Which::Newest, 3, &page), with);
    wrong(page([9, 8], 10), "should go");
    wrong(page([10, 8], 10), "comes after");
    wrong(page([10, 10], 10), "comes after");
    wrong(page([8, 9, 10], 10), "comes after");
    wrong(page([10, 9, 8, 7], 10), "4 messages");
    wrong(page([11, 10], 10), "not in the log");
    wrong(page([], 10), "is empty");
    wrong(page([10, 9], 11), "beyond the log");
    wrong(page([9, 8], 9), "older than the question");
}

#[test]
fn tokens_are_there_exactly_when_there_is_more() {
    let mut made = Made::new(3);
    let mut wrong = |seqs: &[u64], name: &str, token: Value| {
        let mut page = page(seqs.iter().copied(), 3);
        page[name] = token;
        fails(made.load(Which::Newest, 3, &page), name);
    };
    wrong(&[3, 2], "olderPageToken", Value::Null);
    wrong(&[3, 2, 1], "olderPageToken", older(1));
    wrong(&[3, 2, 1], "newerPageToken", newer(3));
    let id = id(2);
    let mut around = page([2, 1], 3);
    around["newerPageToken"] = Value::Null;
    fails(made.load(Which::Around(id), 1, &around), "newerPageToken");
}

#[test]
fn a_token_stands_for_one_place_at_all_times() {
    let mut made = Made::new(9);
    made.load(Which::Newest, 3, &page([9, 8, 7], 9)).unwrap();
    let mut same_token = page([9, 8], 9);
    same_token["olderPageToken"] = older(7);
    fails(made.load(Which::Newest, 2, &same_token), "stood for");
}

#[test]
fn an_older_page_goes_on_before_the_token_and_a_newer_one_behind_it() {
    let mut made = Made::new(9);
    made.load(Which::Newest, 3, &page([9, 8, 7], 9)).unwrap();
    let before_7 = || Which::Older("o7".into());
    made.load(before_7(), 3, &page([6, 5, 4], 9)).unwrap();
    let behind_6 = || Which::Newer("n6".into());
    made.load(behind_6(), 2, &page([8, 7], 9)).unwrap();
    // More has arrived since.
    made.store(2);
    made.load(before_7(), 3, &page([6, 5, 4], 11)).unwrap();
    made.load(behind_6(), 9, &page([11, 10, 9, 8, 7], 11))
        .unwrap();

    fails(made.load(before_7(), 3, &page([7, 6, 5], 11)), "should go");
    fails(made.load(before_7(), 3, &page([5, 4], 11)), "should go");
    fails(made.load(before_7(), 3, &page([], 11)), "is empty");
    fails(made.load(behind_6(), 3, &page([11, 10], 11)), "should go");
    fails(made.load(behind_6(), 3, &page([], 11)), "is empty");
    let other_way = Which::Newer("o7".into());
    fails(made.load(other_way, 3, &page([9, 8], 11)), "other way");
}

#[test]
fn a_page_around_a_message_has_the_limit_on_each_side() {
    let mut made = Made::new(20);
    let around = Which::Around(id(10));
    made.load(around.clone(), 2, &page((8..=12).rev(), 20))
        .unwrap();
    made.load(Which::Around(id(1)), 2, &page([3, 2, 1], 20))
        .unwrap();
    made.load(Which::Around(id(20)), 2, &page([20, 19, 18], 20))
        .unwrap();
    for wrong in [
        page((7..=11).rev(), 20),
        page((10..=13).rev(), 20),
        page([9, 8], 20),
        page([], 20),
    ] {
        fails(made.load(around.clone(), 2, &wrong), "is not around");
    }
}

#[test]
fn a_walk_shows_every_message_once_though_others_arrive() {
    let mut made = Made::new(5);
    let key = made.ask_with(Which::Newest, 2, Some(Walk::default()), None);
    let next = made.answer(key, &page([5, 4], 5)).unwrap();
    assert!(!next.walked);
    made.store(3);
    let key = made.ask_with(next.tokens[0].clone(), 2, next.walk, None);
    let next = made.answer(key, &page([3, 2], 8)).unwrap();
    let unfinished = next.walk.clone();
    let key = made.ask_with(next.tokens[0].clone(), 2, next.walk, None);
    let next = made.answer(key, &page([1], 8)).unwrap();
    assert!(next.walked && next.tokens.is_empty());

    // One whose earlier pages were lost on the way is not whole.
    let mut holey = unfinished.unwrap();
    holey.ids.remove(1);
    let key = made.ask_with(Which::Older("o2".into()), 2, Some(holey), None);
    fails(made.answer(key, &page([1], 8)), "has shown 4 of 5");
}

fn reading(made: &Made) -> Option<Reading> {
    let mut readers = Readers::default();
    readers.starts_at_head(&made.model, PAGE, &a());
    readers.reading(PAGE, &a()).copied()
}

#[test]
fn a_page_and_the_events_since_it_was_asked_for_are_the_log() {
    let mut made = Made::new(5);
    let reading = reading(&made);
    let key = made.ask_with(Which::Newest, 2, None, reading);
    made.store(4);
    // Two events precede the page, which shows the second of them, and two follow it.
    made.deliver(6).unwrap();
    made.deliver(7).unwrap();
    made.answer(key, &page([7, 6], 7)).unwrap();
    assert!(made.history.up_to_date(&made.model, PAGE).is_err());
    made.deliver(8).unwrap();
    made.deliver(9).unwrap();
    made.history.up_to_date(&made.model, PAGE).unwrap();
}

#[test]
fn a_page_may_come_before_the_events_it_shows() {
    let mut made = Made::new(5);
    let reading = reading(&made);
    let key = made.ask_with(Which::Newest, 1, None, reading);
    made.store(4);
    made.deliver(6).unwrap();
    // 7 and 8 stand between what is on the screen, and are on their way.
    made.answer(key, &page([9], 9)).unwrap();
    for seq in 7..=9 {
        made.deliver(seq).unwrap();
    }
    made.history.up_to_date(&made.model, PAGE).unwrap();
}

#[test]
fn a_hole_between_a_page_and_the_events_is_seen() {
    let mut made = Made::new(5);
    let reading = reading(&made);
    // The event before the page's last message was lost.
    let key = made.ask_with(Which::Newest, 1, None, reading);
    made.store(4);
    made.deliver(6).unwrap();
    made.answer(key, &page([9], 9)).unwrap();
    made.deliver(7).unwrap();
    assert!(made.deliver(9).is_err());

    // The events begin behind the page.
    let key = made.ask_with(Which::Newest, 2, None, reading);
    made.store(2);
    made.deliver(11).unwrap();
    fails(made.answer(key, &page([9, 8], 9)), "on the screen");

    // After a gap, or without a subscription, nothing is promised.
    let key = made.ask_with(Which::Newest, 2, None, reading);
    made.history.unjoined(PAGE, &a());
    made.answer(key, &page([11, 10], 11)).unwrap();
    made.store(1);
    made.history.up_to_date(&made.model, PAGE).unwrap();
}

#[test]
fn a_token_of_another_database_is_refused_or_answered_rightly() {
    let mut made = Made::new(4);
    let copy_of_4 = made.model.copy();
    made.store(1);
    let copy_of_5 = made.model.copy();
    made.store(4);
    made.load(Which::Newest, 3, &page([9, 8, 7], 9)).unwrap();
    let before_7 = || Which::Older("o7".into());
    // While its message lives it must not be refused.
    let key = made.ask(before_7(), 3);
    assert!(made.refuse(key, ErrorCode::InvalidArgument).is_err());

    // A copy that ends before the token's message.
    made.model.restored(copy_of_5);
    made.model.epoch("e1");
    let key = made.ask(before_7(), 3);
    made.refuse(key, ErrorCode::InvalidArgument).unwrap();
    let of_copy = |seqs: &[u64], head: u64| {
        let mut page = page(seqs.iter().copied(), head);
        page["cursor"]["epoch"] = json!("e1");
        page
    };
    fails(
        made.load(before_7(), 3, &of_copy(&[5, 4], 5)),
        "not in the log it shows",
    );
    fails(made.load(before_7(), 3, &page([6, 5, 4], 9)), "older than");

    // One whose message the copy has goes on as before.
    made.load(Which::Newest, 2, &of_copy(&[5, 4], 5)).unwrap();
    made.model.restored(copy_of_4);
    made.model.epoch("e2");
    let mut page = of_copy(&[3, 2], 4);
    page["cursor"]["epoch"] = json!("e2");
    made.load(Which::Older("o4".into()), 2, &page).unwrap();

    // An empty one knows nothing.
    made.model.replaced();
    let key = made.ask(Which::Older("o4".into()), 2);
    made.refuse(key, ErrorCode::InvalidArgument).unwrap();
    let key = made.ask(Which::Around(id(1)), 2);
    made.refuse(key, ErrorCode::MessageNotFound).unwrap();
}

#[test]
fn a_page_leaves_out_what_is_missing_and_nothing_else() {
    let mut made = Made::new(9);
    let key = made.ask(Which::Newest, 3);
    assert_eq!(made.model.lose(&a(), 8), Some(id(8)));
    // It was read before or after.
    made.answer(key, &page([9, 8, 7], 9)).unwrap();
    made.load(Which::Newest, 3, &page([9, 7, 6], 9)).unwrap();
    fails(made.load(Which::Newest, 3, &page([9, 6], 9)), "comes after");
    let key = made.ask(Which::Around(id(8)), 3);
    made.refuse(key, ErrorCode::MessageNotFound).unwrap();
    let key = made.ask(Which::Around(id(7)), 3);
    assert!(made.refuse(key, ErrorCode::MessageNotFound).is_err());

    // A walk does not stop at it, and the last page says that there is no more.
    let key = made.ask_with(Which::Newest, 2, Some(Walk::default()), None);
    let next = made.answer(key, &page([9, 7], 9)).unwrap();
    assert!(made.model.lose(&a(), 1).is_some());
    let key = made.ask_with(Which::Older("o7".into()), 9, next.walk, None);
    let mut last = page([6, 5, 4, 3, 2], 9);
    last["olderPageToken"] = Value::Null;
    assert!(made.answer(key, &last).unwrap().walked);
}

#[test]
fn only_some_errors_are_answers() {
    let mut made = Made::new(9);
    for code in [
        ErrorCode::Disconnected,
        ErrorCode::Internal,
        ErrorCode::TokenExpired,
        // Rights may be revoked at any time; `features::access` checks when.
        ErrorCode::ChannelForbidden,
    ] {
        let key = made.ask(Which::Newest, 3);
        made.refuse(key, code).unwrap();
    }
    for code in [
        ErrorCode::InvalidArgument,
        ErrorCode::TooManyRequests,
        ErrorCode::MessageNotFound,
        ErrorCode::Aborted,
    ] {
        let key = made.ask(Which::Newest, 3);
        assert!(made.refuse(key, code).is_err(), "{code:?}");
    }
    let key = made.ask(Which::Newest, 3);
    made.history.aborted(PAGE, key.1);
    made.refuse(key, ErrorCode::Aborted).unwrap();
    assert!(made.refuse(key, ErrorCode::Aborted).is_err(), "twice");
}
