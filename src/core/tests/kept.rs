//! The outbox that outlives the page.

use super::*;

fn kept() -> Driven {
    Driven::with(Config {
        seed: 7,
        token_renewable: true,
        outbox_limit: 4,
        parallel_uploads: 2,
        outbox_kept: true,
        device: r#""phone""#.into(),
    })
}

fn message(key: &str, files: Vec<KeptFile>) -> Kept<Json> {
    Kept {
        key: key.parse().unwrap(),
        body: "earlier".into(),
        bytes: 7,
        files,
    }
}

const KEY: &str = "01890000-0000-7000-8000-00000000000a";
const OTHER_KEY: &str = "01890000-0000-7000-8000-00000000000b";

fn forget(key: Uuid) -> Out {
    Output::Storage(Storage::Forget(key))
}

fn kept_keys(out: &[Out]) -> Vec<Uuid> {
    out.iter()
        .filter_map(|output| match output {
            Output::Storage(Storage::Keep(kept)) => Some(kept.key),
            _ => None,
        })
        .collect()
}

#[test]
fn a_message_is_kept_before_it_goes_out_and_forgotten_when_it_is_answered() {
    let mut driven = kept();
    let out = driven.send(1, vec![]);
    let keys = kept_keys(&out);
    assert_eq!(keys.len(), 1);
    driven.come_online(vec![]);
    let out = driven.input(Input::Restored(vec![]));
    let (id, _) = request(&out);
    let out = driven.receive(Incoming::Reply(id, Ok(sent("stored"))));
    let reported = [
        forget(keys[0]),
        Output::Settle(CallId(1), Ok(Settled::Value(sent("stored")))),
    ];
    assert_eq!(out, reported);
}

#[test]
fn a_message_whose_call_fails_is_forgotten() {
    let mut driven = kept();
    let keys = kept_keys(&driven.send(1, vec![]));
    let out = driven.input(Input::Abort(CallId(1)));
    assert!(out.contains(&forget(keys[0])), "{out:?}");
    let keys = kept_keys(&driven.send(2, vec![]));
    let out = driven.input(Input::Disconnect(CallId(3)));
    assert!(out.contains(&forget(keys[0])), "{out:?}");
}

#[test]
fn without_storage_nothing_is_kept() {
    let mut driven = Driven::new(true);
    let mut out = driven.send(1, vec![]);
    out.extend(driven.come_online(vec![]));
    out.extend(driven.input(Input::Abort(CallId(1))));
    let speaks_of_storage = |output: &Out| matches!(output, Output::Storage(_));
    assert!(!out.iter().any(speaks_of_storage), "{out:?}");
}

#[test]
fn what_an_earlier_page_left_goes_out_first_and_with_its_key() {
    let mut driven = kept();
    driven.send(1, vec![]);
    let out = driven.come_online(vec![]);
    let user = "Ann".to_owned();
    let restore = Output::Storage(Storage::Restore { user });
    assert!(out.contains(&restore), "{out:?}");
    assert!(bodies(&out).is_empty(), "{out:?}");
    let left = vec![
        (CallId(8), message(KEY, vec![])),
        (CallId(9), message(OTHER_KEY, vec![])),
    ];
    let out = driven.input(Input::Restored(left));
    assert_eq!(bodies(&out), ["earlier", "earlier", "hi"]);
    assert_eq!(keys(&out)[0].to_string(), KEY);
}

#[test]
fn what_an_earlier_page_may_have_sent_is_not_taken_back() {
    let mut driven = kept();
    driven.input(Input::Connect(CallId(0)));
    driven.input(Input::Restored(vec![(CallId(8), message(KEY, vec![]))]));
    assert_eq!(driven.input(Input::Abort(CallId(8))), []);
}

#[test]
fn storage_that_does_not_answer_stops_nothing() {
    let mut driven = kept();
    driven.send(1, vec![]);
    let out = driven.come_online(vec![]);
    assert!(bodies(&out).is_empty(), "{out:?}");
    let out = driven.advance();
    assert_eq!(bodies(&out), ["hi"]);
    // And what comes late is sent still.
    let late = vec![(CallId(8), message(KEY, vec![]))];
    assert_eq!(bodies(&driven.input(Input::Restored(late))), ["earlier"]);
}

#[test]
fn what_comes_after_a_disconnect_is_answered_and_forgotten() {
    let mut driven = kept();
    driven.input(Input::Connect(CallId(0)));
    driven.come_online(vec![]);
    driven.input(Input::Disconnect(CallId(1)));
    let out = driven.input(Input::Restored(vec![(CallId(8), message(KEY, vec![]))]));
    assert!(out.contains(&forget(KEY.parse().unwrap())));
    let answered = |output: &Out| matches!(output, Output::Settle(CallId(8), Err(error)) if error.is(ErrorCode::Disconnected));
    assert!(out.iter().any(answered), "{out:?}");
}

#[test]
fn a_restored_upload_asks_how_far_it_is() {
    let mut driven = kept();
    driven.input(Input::Connect(CallId(0)));
    driven.come_online(vec![]);
    let location = format!("/v1/files/{FILE}");
    let file = KeptFile {
        upload: UploadId(4),
        meta: meta(10),
        key: OTHER_KEY.parse().unwrap(),
        location: Some(location.clone()),
    };
    let restored = vec![(CallId(8), message(KEY, vec![file]))];
    let out = driven.input(Input::Restored(restored));
    let (id, asked) = http(&out);
    assert_eq!(asked, HttpRequest::Probe { location });
    let out = driven.input(Input::HttpDone(id, Some(reply(200, Some(10)))));
    assert_eq!(bodies(&out), ["earlier"]);
}

#[test]
fn where_an_upload_lives_is_kept_as_soon_as_it_is_known() {
    let mut driven = kept();
    driven.input(Input::Connect(CallId(0)));
    driven.come_online(vec![]);
    let out = driven.send(1, vec![(UploadId(4), meta(5 << 20))]);
    let kept = out.iter().find_map(|output| match output {
        Output::Storage(Storage::Keep(kept)) => Some(kept.files[0].clone()),
        _ => None,
    });
    let kept = kept.expect("the message is kept");
    assert_eq!((kept.upload, kept.location), (UploadId(4), None));
    let (id, _) = http(&out);
    let location = Some(format!("/v1/files/{FILE}"));
    let out = driven.input(Input::HttpDone(id, Some(reply(201, Some(1 << 20)))));
    let reported = Output::Storage(Storage::KeepUpload {
        upload: UploadId(4),
        key: kept.key,
        location,
    });
    assert!(out.contains(&reported), "{out:?}");
    // A slice more changes nothing of that.
    let (id, _) = http(&out);
    let out = driven.input(Input::HttpDone(id, Some(reply(204, Some(2 << 20)))));
    let again = |output: &Out| matches!(output, Output::Storage(_));
    assert!(!out.iter().any(again), "{out:?}");
}
