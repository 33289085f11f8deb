//! Sending: keys, replies, files, and what one draft of a batch does to another.

use alo_gateway::store::{Committed, Draft, Quota};
use alo_protocol::{ErrorBody, ErrorCode};
use serde_json::json;

use super::{ALL, Kit, draft, file, hint, id, log_id, message, reply};

pub(super) fn a_key_is_one_message_for_ever(kit: &mut Kit) {
    let first = kit.commit(draft(1, "a"));
    let again = kit.commit(Draft {
        id: id(2),
        content: "another text".into(),
        ..draft(1, "a")
    });
    assert_eq!(first.message, again.message);
    assert!(again.event().is_none(), "nobody receives it twice");
    let same_key = |number| Draft {
        key: id(77),
        ..draft(number, "a")
    };
    let answers = kit.answers(vec![same_key(3), same_key(4)]);
    let [one, other] = [0, 1].map(|index: usize| answers[index].as_ref().unwrap());
    assert_eq!(one.message, other.message);
    assert!(one.event().is_some());
    assert_eq!(hint(other), (log_id("a"), 2));
    assert_eq!(kit.seqs("a", 0, ALL), [1, 2]);
}

pub(super) fn a_key_of_another_user_is_refused(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    let other_user = || Draft {
        user_id: "bob".into(),
        ..draft(1, "a")
    };
    assert_eq!(kit.refused(other_user()), ErrorCode::IdempotencyConflict);
    let same_batch = Draft {
        id: id(8),
        key: id(9),
        ..other_user()
    };
    let answers = kit.answers(vec![
        Draft {
            key: id(9),
            ..draft(2, "a")
        },
        same_batch,
    ]);
    assert!(answers[0].is_ok());
    assert_eq!(
        answers[1].as_ref().unwrap_err().code,
        ErrorCode::IdempotencyConflict
    );
    assert_eq!(kit.head("a").seq, 2);
}

pub(super) fn a_key_of_another_channel_is_another_message(kit: &mut Kit) {
    let first = kit.commit(draft(1, "a"));
    let other = kit.commit(Draft {
        id: id(2),
        ..draft(1, "b")
    });
    assert!(other.event().is_some());
    assert_ne!(first.message, other.message);
    assert_eq!(kit.commit(draft(1, "b")).message, other.message);
    assert_eq!(kit.commit(draft(1, "a")).message, first.message);
    assert_eq!((kit.head("a").seq, kit.head("b").seq), (1, 1));
}

pub(super) fn a_message_found_stored_is_hinted(kit: &mut Kit) {
    kit.commit(draft(1, "a"));
    kit.commit(draft(2, "a"));
    kit.commit(draft(3, "a"));
    let again = kit.commit(draft(2, "a"));
    assert_eq!(hint(&again), (log_id("a"), 2));
    assert_eq!(again.notice.reaches(), (&log_id("a"), 2));
}

pub(super) fn one_refused_draft_harms_no_other(kit: &mut Kit) {
    let answers = kit.answers(vec![draft(1, "a"), reply(2, "a", 99), draft(3, "a")]);
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(
        answers[1].as_ref().unwrap_err().code,
        ErrorCode::MessageNotFound
    );
    assert_eq!(kit.seqs("a", 0, ALL), [1, 2]);
    // Its key is free: what is corrected is sent.
    assert!(kit.commit(draft(2, "a")).event().is_some());
}

pub(super) fn later_drafts_of_a_batch_see_earlier_ones(kit: &mut Kit) {
    let whole = kit.file(1, 3, 3);
    let with_file = |number| Draft {
        file_ids: vec![whole],
        ..draft(number, "a")
    };
    let answers = kit.answers(vec![
        draft(1, "a"),
        reply(2, "a", 1),
        reply(3, "a", 4),
        draft(4, "a"),
        with_file(5),
        with_file(6),
    ]);
    let code = |index: usize| answers[index].as_ref().unwrap_err().code;
    assert_eq!(message(answers[1].as_ref().unwrap())["parent"]["seq"], 1);
    assert_eq!(code(2), ErrorCode::MessageNotFound, "it comes later");
    assert_eq!(code(5), ErrorCode::FileInUse);
    assert_eq!(kit.seqs("a", 0, ALL), [1, 2, 3, 4]);
}

pub(super) fn replies_carry_their_parent_and_the_root(kit: &mut Kit) {
    let root = message(&kit.commit(draft(1, "a")));
    assert!(root.get("parent").is_none() && root.get("rootMessageId").is_none());
    let second = message(&kit.commit(reply(2, "a", 1)));
    assert_eq!(second["parent"], root);
    assert_eq!(second["rootMessageId"], root["id"]);
    let third = message(&kit.commit(reply(3, "a", 2)));
    assert_eq!(third["parent"]["id"], second["id"]);
    assert!(
        third["parent"].get("parent").is_none(),
        "one level is shown"
    );
    assert_eq!(third["rootMessageId"], root["id"]);
    assert_eq!(message(&kit.commit(reply(3, "a", 2))), third, "repeated");
    assert_eq!(kit.refused(reply(4, "b", 1)), ErrorCode::MessageNotFound);
}

pub(super) fn metadata_is_kept_to_the_letter(kit: &mut Kit) {
    let text = r#"{ "__proto__":{"x":1},"я":"\ud83d\ude80","n":1.0,"big":12345678901234567890, "a":[null,{}]}"#;
    let with_metadata = || Draft {
        metadata: Some(serde_json::from_str(text).unwrap()),
        ..draft(1, "a")
    };
    let committed = kit.commit(with_metadata());
    assert!(committed.message.contains(text));
    assert!(committed.event().unwrap().push.contains(text));
    assert!(kit.commit(with_metadata()).message.contains(text));
    assert!(kit.events("a", 0, ALL)[0].push.contains(text));
    assert_eq!(message(&kit.commit(draft(2, "a")))["metadata"], json!({}));
}

pub(super) fn files_are_attached_once_and_shown_in_order(kit: &mut Kit) {
    let (one, other) = (kit.file(1, 3, 3), kit.file(2, 0, 0));
    let with_files = |number| Draft {
        file_ids: vec![other, one],
        ..draft(number, "a")
    };
    let shown = message(&kit.commit(with_files(1)))["files"].clone();
    let url = format!("/v1/files/{one}");
    assert_eq!(
        shown[1],
        json!({"id": one, "channelId": "a", "name": "file 1", "lastModified": 5, "size": 3, "contentType": "text/plain", "url": url})
    );
    assert_eq!(shown[0]["id"], json!(other));
    assert_eq!(message(&kit.commit(with_files(1)))["files"], shown);
    let push = super::pushed(&kit.events("a", 0, ALL)[0]);
    assert_eq!(push["event"]["data"]["message"]["files"], shown);
    assert_eq!(
        message(&kit.commit(reply(3, "a", 1)))["parent"]["files"],
        shown
    );
    assert_eq!(kit.refused(with_files(2)), ErrorCode::FileInUse);
    assert_eq!(kit.files.find(one).unwrap().unwrap().message, Some(id(1)));
}

pub(super) fn files_are_attached_all_or_none(kit: &mut Kit) {
    let whole = kit.file(1, 3, 3);
    let (part, ended) = (kit.file(2, 3, 2), kit.file(3, 3, 3));
    assert!(kit.files.end(ended).unwrap());
    let mut of_another = file(4, 0);
    of_another.user_id = "bob".into();
    let of_another = kit.files.create(of_another, &Quota::NONE, 0).unwrap().id;
    let mut elsewhere = file(5, 0);
    elsewhere.channel = "b".parse().unwrap();
    let elsewhere = kit.files.create(elsewhere, &Quota::NONE, 0).unwrap().id;
    for (second, code) in [
        (id(99), ErrorCode::FileNotFound),
        (part, ErrorCode::FileIncomplete),
        (ended, ErrorCode::FileNotFound),
        (of_another, ErrorCode::FileNotFound),
        (elsewhere, ErrorCode::FileNotFound),
        (whole, ErrorCode::InvalidArgument),
    ] {
        let draft = Draft {
            file_ids: vec![whole, second],
            ..draft(1, "a")
        };
        let error = kit.answers(vec![draft]).pop().unwrap().unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains(&second.to_string()), "{error:?}");
    }
    assert_eq!(kit.files.find(whole).unwrap().unwrap().message, None);
    assert_eq!(kit.head("a").seq, 0);
}

/// Random batches, in which keys, parents and files collide, are answered as if each draft came alone, and as
/// the store in memory answers them.
pub(super) fn a_batch_is_answered_as_one_by_one(kit: &mut Kit) {
    type Answer = Result<Committed, ErrorBody>;
    let seen = |answer: &Answer| match answer {
        Ok(committed) => Ok((
            committed.message.clone(),
            committed.event().is_some(),
            committed.notice.reaches().1,
        )),
        Err(error) => Err(error.clone()),
    };
    let mut rng = fastrand::Rng::with_seed(7);
    let mut other = Kit::memory();
    let files = [0, 1, 2, 3].map(|number| {
        let (one, two) = (kit.file(number, 2, 2), other.file(number, 2, 2));
        assert_eq!(one, two);
        one
    });
    let mut number = 0;
    for _ in 0..60 {
        let drafts: Vec<_> = (0..rng.usize(1..12))
            .map(|_| {
                number += 1;
                Draft {
                    key: id(1_000_000 + rng.u64(1..150)),
                    user_id: ["ada", "bob"][usize::from(rng.u8(..8) == 0)].into(),
                    parent_id: (rng.u8(..3) == 0).then(|| id(rng.u64(1..number + 3))),
                    file_ids: (0..rng.u8(..20).saturating_sub(17))
                        .map(|_| files[rng.usize(..4)])
                        .collect(),
                    now_ms: rng.u64(..1_000),
                    ..draft(number, ["a", "b"][rng.usize(..2)])
                }
            })
            .collect();
        let alone = drafts
            .iter()
            .flat_map(|draft| other.answers(vec![draft.clone()]));
        let alone: Vec<_> = alone.collect();
        let together = kit.answers(drafts);
        assert_eq!(together.len(), alone.len());
        for (one, two) in together.iter().zip(&alone) {
            assert_eq!(seen(one), seen(two));
        }
    }
    for channel in ["a", "b"] {
        let shown = |kit: &Kit| -> Vec<_> {
            let events = kit.events(channel, 0, ALL);
            let message = |event| super::pushed(event)["event"].clone();
            events.iter().map(message).collect()
        };
        assert!(!shown(kit).is_empty());
        assert_eq!(shown(kit), shown(&other));
    }
}
