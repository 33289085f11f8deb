//! What was subscribed continues on the next connection.

use super::*;
use alo_protocol::REQUEST_CHANNELS;

fn ids(count: usize) -> Vec<alo_protocol::ChannelId> {
    (0..count)
        .map(|number| format!("c{number:03}").parse().unwrap())
        .collect()
}

fn at(channel: alo_protocol::ChannelId, seq: u64) -> Recovery {
    let epoch = "e".to_owned();
    Recovery {
        channel,
        cursor: Some(Cursor { epoch, seq }),
        gap: None,
    }
}

/// Confirms every subscribe that goes out, and what goes out after it; returns what came of it.
fn confirm(driven: &mut Driven, out: Vec<Out>) -> Vec<Out> {
    let mut all = Vec::new();
    let mut due = requests(&out);
    while let Some((id, method)) = due.pop() {
        let Method::Subscribe(channels) = method else {
            panic!("{method:?}");
        };
        let out = driven.reply(id, recovered(channels.into_iter().map(|id| at(id, 0))));
        due.extend(requests(&out));
        all.extend(out);
    }
    all
}

/// A client that is subscribed to so many channels.
fn wide(count: usize) -> Driven {
    let mut driven = Driven::online();
    let out = driven.input(Input::Subscribe(CallId(1), ids(count)));
    let out = confirm(&mut driven, out);
    assert!(out.contains(&Output::Settle(CallId(1), Ok(Settled::Done))));
    driven
}

fn sizes(out: &[Out]) -> Vec<usize> {
    resumes(out).iter().map(|(_, named)| named.len()).collect()
}

#[test]
fn all_channels_are_resumed_in_parts_right_behind_hello_and_before_all_else() {
    let mut driven = wide(250);
    driven.send(2, vec![]);
    driven.close(1006);
    driven.ask(3, "question", Lane::Retry);
    driven.input(Input::Subscribe(CallId(4), vec!["new".parse().unwrap()]));
    driven.advance();
    let out = driven.open();
    assert!(matches!(out[0], Output::SendFrame(_, Frame::Hello { .. })));
    assert_eq!(sizes(&out[1..4]), [100, 100, 50]);
    // The new subscription waits for the answers.
    assert_eq!(requests(&out[4..]).len(), 2);
    let out = driven.welcome(vec![]);
    assert!(matches!(&requests(&out)[..], [(_, Method::Subscribe(_))]));
    driven.close(1006);
    driven.advance();
    let out = driven.open();
    let named = resumes(&out).into_iter().flat_map(|(_, named)| named);
    assert_eq!(named.map(|(id, _)| id).collect::<Vec<_>>(), ids(250));
}

#[test]
fn each_request_to_resume_stays_below_the_frame_limit() {
    let mut driven = Driven::new(true);
    driven.limits.frame_bytes = 8 * 1024;
    let mut driven = driven.connected();
    let long: Vec<alo_protocol::ChannelId> = (0..30)
        .map(|number| format!("{number:02}{}", "\"".repeat(126)).parse().unwrap())
        .collect();
    let out = driven.input(Input::Subscribe(CallId(1), long));
    confirm(&mut driven, out);
    driven.close(1006);
    driven.advance();
    let out = driven.open();
    assert_eq!(sizes(&out).iter().sum::<usize>(), 30);
    for output in out {
        if let Output::SendFrame(_, frame @ Frame::Request(..)) = output {
            let text = crate::core::codec::encode(&frame);
            assert!(text.head.len() + text.tail.len() <= 8 * 1024);
        }
    }
}

#[test]
fn no_more_is_resumed_at_once_than_may_be_in_flight() {
    for (requests_in_flight, channels_per_connection) in [(3, 1_000), (256, 200)] {
        let mut driven = wide(450);
        driven.limits.requests_in_flight = requests_in_flight;
        driven.limits.channels_per_connection = channels_per_connection;
        // The limits are known from the connection before.
        driven.close(1006);
        driven.advance();
        driven.open();
        let limits = driven.limits.clone();
        driven.welcome(vec![]);
        driven.close(1006);
        driven.ask(2, "question", Lane::Retry);
        driven.advance();
        let out = driven.open();
        assert_eq!(sizes(&out), [100, 100], "{limits:?}");
        assert!(bodies(&out).is_empty(), "the rest is resumed first");
        let out = driven.welcome(vec![]);
        assert_eq!(sizes(&out), [100, 100, 50]);
        assert_eq!(bodies(&out), ["question"]);
    }
}

#[test]
fn a_resume_that_fails_as_a_whole_ends_the_connection_and_is_tried_again() {
    let mut driven = wide(2);
    driven.close(1006);
    driven.advance();
    let (id, _) = resumes(&driven.open())[0].clone();
    let error = Error::new(ErrorCode::Internal, "the disk");
    let out = driven.receive(Incoming::Reply(id, Err(error)));
    assert!(out.contains(&Output::CloseSocket(driven.socket)), "{out:?}");
    driven.advance();
    assert_eq!(sizes(&driven.open()), [2]);
}

/// Nothing would arrive of it, and nobody would know.
#[test]
fn a_channel_without_an_answer_ends_the_connection_and_is_resumed_again() {
    for answer in [
        recovered([at("c000".parse().unwrap(), 0)].into_iter()),
        Json(json!({})),
        Json(json!({"channels": 1})),
    ] {
        let mut driven = wide(2);
        driven.close(1006);
        driven.advance();
        let (id, _) = resumes(&driven.open())[0].clone();
        let out = driven.reply(id, answer);
        assert!(out.contains(&Output::CloseSocket(driven.socket)), "{out:?}");
        driven.advance();
        assert_eq!(sizes(&driven.open()), [2]);
    }
}

/// A channel is left while the request of this id resumes it.
fn left_while_resuming() -> (Driven, u32) {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    driven.close(1006);
    driven.advance();
    let (id, _) = resumes(&driven.open())[0].clone();
    driven.resumes.clear();
    driven.welcome(vec![]);
    driven.input(Input::Unsubscribe(CallId(2), vec![channel()]));
    (driven, id)
}

#[test]
fn a_channel_left_before_its_resume_is_answered_does_not_come_back() {
    let (mut driven, id) = left_while_resuming();
    assert_eq!(driven.reply(id, reply_at(5)), []);
    assert!(!driven.client.is_subscribed(&channel()));
    assert_eq!(driven.push(6, "six"), []);
}

/// The answer is about the subscription that was left.
#[test]
fn a_channel_subscribed_to_again_before_its_resume_is_answered_keeps_its_own_cursor() {
    let (mut driven, id) = left_while_resuming();
    let out = driven.input(Input::Subscribe(CallId(3), vec![channel()]));
    driven.reply(request(&out).0, reply_at(8));
    let late = recovered([recovery(5, Some(GapReason::Expired))].into_iter());
    assert_eq!(driven.reply(id, late), []);
    let out = driven.push(9, "nine");
    assert_eq!(out, [Output::Emit(Event::Pushed("nine".into()))]);
}

#[test]
fn a_resume_refused_for_its_rate_is_sent_again_on_the_same_connection() {
    let mut driven = wide(2);
    driven.close(1006);
    driven.ask(2, "question", Lane::Retry);
    driven.advance();
    let out = driven.open();
    let ((id, _), (question, _)) = (resumes(&out)[0].clone(), request(&out));
    let mut error = Error::new(ErrorCode::TooManyRequests, "too often");
    error.retry_after_ms = Some(3_000);
    let socket = driven.socket;
    assert_eq!(driven.receive(Incoming::Reply(id, Err(error))), []);
    driven.resumes.clear();
    driven.reply(question, Json(json!(7)));
    let out = driven.advance();
    assert_eq!((driven.socket, sizes(&out)), (socket, vec![2]), "{out:?}");
}

/// It would begin at the head, and what was missed would be lost without a word.
#[test]
fn a_lost_channel_that_is_subscribed_to_again_is_resumed_first() {
    let mut driven = Driven::online();
    driven.subscribe(1, 5);
    driven.close(1006);
    driven.input(Input::Subscribe(CallId(2), vec![channel()]));
    driven.advance();
    let out = driven.open();
    assert_eq!((sizes(&out), requests(&out).len()), (vec![1], 0));
    let out = driven.welcome(vec![]);
    driven.reply(request(&out).0, reply_at(6));
    let out = driven.push(6, "six");
    assert_eq!(out, [Output::Emit(Event::Pushed("six".into()))]);
}

#[test]
fn a_long_list_goes_out_in_parts_and_resolves_once_all_are_confirmed() {
    let mut driven = Driven::online();
    let out = driven.input(Input::Subscribe(CallId(1), ids(250)));
    let parts = requests(&out);
    let named = parts.iter().map(|(_, method)| match method {
        Method::Subscribe(channels) => channels.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        named.collect::<Vec<_>>(),
        [REQUEST_CHANNELS, REQUEST_CHANNELS, 50]
    );
    for (index, (id, method)) in parts.into_iter().enumerate() {
        let Method::Subscribe(channels) = method else {
            panic!("{method:?}");
        };
        let out = driven.reply(id, recovered(channels.into_iter().map(|id| at(id, 0))));
        let settled = Output::Settle(CallId(1), Ok(Settled::Done));
        assert_eq!(out.contains(&settled), index == 2);
    }
    let out = driven.input(Input::Unsubscribe(CallId(2), ids(250)));
    assert_eq!(requests(&out).len(), 3);
}

/// 23,824 channels were more than one frame, which ended the connection and all sends on it.
#[test]
fn a_subscribe_beyond_the_frame_limit_ends_no_send() {
    let mut driven = Driven::online();
    driven.send(2, vec![]);
    let out = driven.input(Input::Subscribe(CallId(1), ids(23_824)));
    for output in &out {
        if let Output::SendFrame(_, frame) = output {
            let text = crate::core::codec::encode(frame);
            assert!(text.head.len() + text.tail.len() < 256 * 1024);
        }
    }
    // Only so many as the gateway lets unanswered requests name.
    assert_eq!(requests(&out).len(), 10);
    assert_eq!(bodies(&driven.send(3, vec![])), ["hi"]);
}

/// All or none: the parts that were confirmed are left again before the call fails.
#[test]
fn when_a_part_is_refused_the_others_are_left_again() {
    let mut driven = Driven::online();
    // This one was subscribed before, and stays.
    let early: alo_protocol::ChannelId = "c007".parse().unwrap();
    let out = driven.input(Input::Subscribe(CallId(1), vec![early.clone()]));
    confirm(&mut driven, out);
    let parts = requests(&driven.input(Input::Subscribe(CallId(2), ids(250))));
    // And another call asks for this one.
    let other: alo_protocol::ChannelId = "c008".parse().unwrap();
    let out = driven.input(Input::Subscribe(CallId(3), vec![other.clone()]));
    let (asked, _) = request(&out);
    let (first, Method::Subscribe(channels)) = parts[0].clone() else {
        panic!("{parts:?}");
    };
    driven.reply(first, recovered(channels.into_iter().map(|id| at(id, 0))));
    assert!(driven.client.is_subscribed(&"c000".parse().unwrap()));
    let error = Error::new(ErrorCode::ChannelForbidden, "c150");
    let out = driven.receive(Incoming::Reply(parts[1].0, Err(error.clone())));
    let leaves = requests(&out);
    let mut left = Vec::new();
    for (_, method) in &leaves {
        let Method::Unsubscribe(channels) = method else {
            panic!("{method:?}");
        };
        assert!(channels.len() <= REQUEST_CHANNELS);
        left.extend(channels.clone());
    }
    // What the first and the third part have subscribed to.
    let expected: Vec<_> = ids(250)
        .into_iter()
        .enumerate()
        .filter(|(index, id)| !(100..200).contains(index) && *id != early && *id != other)
        .map(|(_, id)| id)
        .collect();
    assert_eq!(left, expected);
    // The third part is confirmed in the meantime: it was left behind it.
    let third: Vec<_> = ids(250).split_off(200);
    driven.reply(parts[2].0, recovered(third.into_iter().map(|id| at(id, 0))));
    assert!(!driven.client.is_subscribed(&"c000".parse().unwrap()));
    assert!(!driven.client.is_subscribed(&"c249".parse().unwrap()));
    let mut settled = Vec::new();
    for (id, _) in leaves {
        settled.extend(driven.reply(id, Json(json!({}))));
    }
    assert_eq!(settled, [Output::Settle(CallId(2), Err(error))]);
    driven.reply(asked, recovered([at(other.clone(), 0)].into_iter()));
    assert!(driven.client.is_subscribed(&early) && driven.client.is_subscribed(&other));
}

#[test]
fn a_call_in_parts_is_settled_once_by_disconnect_and_nothing_of_it_is_resumed() {
    let mut driven = Driven::online();
    driven.subscribe(3, 5);
    let parts = requests(&driven.input(Input::Subscribe(CallId(1), ids(250))));
    let (first, Method::Subscribe(channels)) = parts[0].clone() else {
        panic!("{parts:?}");
    };
    driven.reply(first, recovered(channels.into_iter().map(|id| at(id, 0))));
    let out = driven.input(Input::Disconnect(CallId(2)));
    let of_call = |output: &&Out| matches!(output, Output::Settle(CallId(1), _));
    assert_eq!(out.iter().filter(of_call).count(), 1);
    driven.input(Input::Connect(CallId(4)));
    assert_eq!(sizes(&driven.open()), [1]);
}

/// What one call has subscribed to another call may have confirmed since: then it does not end with the first.
#[test]
fn a_channel_that_a_call_has_confirmed_stays_when_the_call_that_added_it_fails() {
    let error = Error::new(ErrorCode::ChannelForbidden, "c149");
    for is_refused in [true, false] {
        let mut driven = Driven::online();
        let parts = requests(&driven.input(Input::Subscribe(CallId(1), ids(150))));
        let (first, Method::Subscribe(channels)) = parts[0].clone() else {
            panic!("{parts:?}");
        };
        driven.reply(first, recovered(channels.into_iter().map(|id| at(id, 0))));
        let out = driven.input(Input::Subscribe(CallId(2), ids(1)));
        let out = confirm(&mut driven, out);
        assert_eq!(out, [Output::Settle(CallId(2), Ok(Settled::Done))]);
        if is_refused {
            driven.receive(Incoming::Reply(parts[1].0, Err(error.clone())));
            assert!(driven.client.is_subscribed(&ids(1)[0]));
        } else {
            driven.input(Input::Disconnect(CallId(3)));
            driven.input(Input::Connect(CallId(4)));
            assert_eq!(sizes(&driven.open()), [1]);
        }
    }
}

/// All or none: a channel that was lost while the other parts were under way is requested again, and its refusal is
/// the call's.
#[test]
fn a_call_in_parts_fails_if_a_channel_it_had_is_refused_before_it_settles() {
    let mut driven = Driven::online();
    let parts = requests(&driven.input(Input::Subscribe(CallId(1), ids(150))));
    let (first, Method::Subscribe(channels)) = parts[0].clone() else {
        panic!("{parts:?}");
    };
    driven.reply(first, recovered(channels.into_iter().map(|id| at(id, 0))));
    driven.close(1006);
    driven.advance();
    let (resume, _) = resumes(&driven.open())[0].clone();
    driven.resumes.clear();
    driven.welcome(vec![]);
    let answers = ids(100).into_iter().map(|id| match id.as_str() {
        "c007" => Recovery {
            channel: id,
            cursor: None,
            gap: None,
        },
        _ => at(id, 0),
    });
    let out = driven.reply(resume, recovered(answers));
    let again: Vec<_> = requests(&out);
    assert_eq!(again.len(), 2, "{out:?}");
    let error = Error::new(ErrorCode::ChannelForbidden, "c007");
    let out = driven.receive(Incoming::Reply(again[0].0, Err(error.clone())));
    let mut settled = Vec::new();
    for (id, method) in requests(&out) {
        assert!(matches!(method, Method::Unsubscribe(_)), "{method:?}");
        settled.extend(driven.reply(id, Json(json!({}))));
    }
    assert_eq!(settled, [Output::Settle(CallId(1), Err(error))]);
    let is_subscribed = |id| driven.client.is_subscribed(id);
    assert!(!ids(150).iter().any(is_subscribed));
}

/// The empty id names it on the wire.
#[test]
fn the_users_own_log_is_subscribed_delivered_and_resumed_as_channels_are() {
    let own = alo_protocol::ChannelId::own;
    let mut driven = Driven::online();
    let out = driven.input(Input::Subscribe(CallId(1), vec![own()]));
    let (id, method) = requests(&out).remove(0);
    let text = crate::core::codec::encode(&Frame::Request(id, method));
    assert!(
        text.head.contains(r#""channels":[{"id":""}]"#),
        "{}",
        text.head
    );
    let out = driven.reply(id, recovered([at(own(), 4)].into_iter()));
    assert_eq!(out, [Output::Settle(CallId(1), Ok(Settled::Done))]);
    let push = |driven: &mut Driven, seq| {
        driven.receive(Incoming::Push {
            channel: "",
            epoch: "e",
            seq,
            event: "read".into(),
        })
    };
    assert_eq!(
        push(&mut driven, 5),
        [Output::Emit(Event::Pushed("read".into()))]
    );
    assert_eq!(push(&mut driven, 5), []);
    driven.close(1006);
    driven.advance();
    let out = driven.open();
    let named = &resumes(&out)[0].1;
    assert_eq!((&named[0].0, named[0].1.seq), (&own(), 5));
    // What is missing is reported under the same name.
    let gap = Recovery {
        gap: Some(GapReason::Expired),
        ..at(own(), 9)
    };
    let out = driven.welcome(vec![gap]);
    let gap = Event::Gap(own(), Some(GapReason::Expired));
    assert!(out.contains(&Output::Emit(gap)), "{out:?}");
    assert_eq!(push(&mut driven, 10).len(), 1);
}
