//! Files being uploaded, and the messages that wait for them.

use super::*;

#[test]
fn a_small_file_goes_up_in_one_request_and_then_its_message() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9))]);
    let (id, request_) = http(&out);
    assert!(matches!(request_, HttpRequest::Create { length: 9, .. }));
    let out = driven.input(Input::HttpDone(id, Some(reply(201, Some(9)))));
    let file: Uuid = FILE.parse().unwrap();
    assert!(out.contains(&Output::Emit(Event::UploadComplete(UploadId(0), file))));
    assert!(matches!(request(&out).1, Method::Once { files, .. } if files == [file]));
}

#[test]
fn an_interrupted_upload_asks_for_its_offset_and_goes_on_there() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(5 << 20))]);
    let out = driven.input(Input::HttpDone(
        http(&out).0,
        Some(reply(201, Some(1 << 20))),
    ));
    let (id, append) = http(&out);
    assert!(
        matches!(
            append,
            HttpRequest::Append {
                offset: 1_048_576,
                ..
            }
        ),
        "{append:?}"
    );
    driven.input(Input::HttpDone(id, None));
    let (id, probe) = http(&driven.advance());
    assert!(matches!(probe, HttpRequest::Probe { .. }));
    let out = driven.input(Input::HttpDone(id, Some(reply(200, Some(2_000_000)))));
    assert!(matches!(
        http(&out).1,
        HttpRequest::Append {
            offset: 2_000_000,
            ..
        }
    ));
}

#[test]
fn an_upload_the_gateway_lost_starts_over() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(5 << 20))]);
    let out = driven.input(Input::HttpDone(
        http(&out).0,
        Some(reply(201, Some(1 << 20))),
    ));
    driven.input(Input::HttpDone(http(&out).0, Some(reply(404, None))));
    assert!(matches!(
        http(&driven.advance()).1,
        HttpRequest::Create { .. }
    ));
}

#[test]
fn a_refused_file_fails_its_message_and_ends_its_siblings() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9)), (UploadId(1), meta(9))]);
    let error = Error::new(ErrorCode::FileTooLarge, "too large");
    let refusal = HttpReply {
        error: Some(error),
        ..reply(413, None)
    };
    let out = driven.input(Input::HttpDone(http(&out).0, Some(refusal)));
    assert!(error_of(&out, 1).is(ErrorCode::FileTooLarge));
    assert_eq!(error_of(&out, 1).message, "file \"f\": too large");
    for upload in [UploadId(0), UploadId(1)] {
        assert!(out.contains(&Output::ReleaseUpload(upload)));
    }
    assert!(
        out.iter()
            .any(|output| matches!(output, Output::CancelHttp(_)))
    );
}

/// Trying again would not free anything.
#[test]
fn a_quota_fails_the_upload_at_once() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9))]);
    let refusal = HttpReply {
        error: Some(Error::new(ErrorCode::QuotaExceeded, "5 open uploads")),
        ..reply(413, None)
    };
    let out = driven.input(Input::HttpDone(http(&out).0, Some(refusal)));
    let error = error_of(&out, 1);
    assert!(error.is(ErrorCode::QuotaExceeded) && !error.retryable);
    assert_eq!(error.message, "file \"f\": 5 open uploads");
    let again = |output: &Output<_>| matches!(output, Output::Http { .. });
    assert!(!driven.advance().iter().any(again));
}

#[test]
fn a_server_that_keeps_failing_fails_the_upload_in_the_end() {
    let mut driven = Driven::online();
    let mut out = driven.send(1, vec![(UploadId(0), meta(9))]);
    for _ in 0..8 {
        driven.input(Input::HttpDone(http(&out).0, Some(reply(500, None))));
        out = driven.advance();
        while !out
            .iter()
            .any(|output| matches!(output, Output::Http { .. }))
        {
            driven.receive(Incoming::Pong);
            out = driven.advance();
        }
    }
    let out = driven.input(Input::HttpDone(http(&out).0, Some(reply(500, None))));
    assert!(error_of(&out, 1).is(ErrorCode::UploadFailed));
}

#[test]
fn a_message_with_files_does_not_hold_back_the_next_one() {
    let mut driven = Driven::online();
    driven.send(1, vec![(UploadId(0), meta(9))]);
    assert_eq!(keys(&driven.send(2, vec![])).len(), 1);
}

#[test]
fn an_upload_that_ends_with_its_message_says_why() {
    for (input, code) in [
        (Input::Abort(CallId(1)), ErrorCode::Aborted),
        (Input::Disconnect(CallId(2)), ErrorCode::UploadFailed),
    ] {
        let mut driven = Driven::online();
        driven.send(1, vec![(UploadId(0), meta(9))]);
        let out = driven.input(input);
        let failed = out.iter().find_map(|output| match output {
            Output::Emit(Event::UploadError(UploadId(0), error)) => Some(error),
            _ => None,
        });
        assert!(failed.unwrap().is(code), "{out:?}");
    }
}

/// Uploads a file of 64 MiB until its first slice, of one, is there.
fn large() -> (Driven, Vec<Out>) {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(64 << 20))]);
    driven.now = driven.now.plus(1_000);
    let out = driven.done(&out, reply(201, Some(1 << 20)));
    (driven, out)
}

impl Driven {
    /// Answers the one HTTP request in these outputs.
    fn done(&mut self, out: &[Out], reply: HttpReply) -> Vec<Out> {
        self.input(Input::HttpDone(http(out).0, Some(reply)))
    }

    /// Lets time pass, on a connection that lives, until there is an HTTP request.
    fn until_http(&mut self) -> Vec<Out> {
        for _ in 0..100 {
            let out = self.advance();
            if !http_ids(&out).is_empty() {
                return out;
            }
            self.receive(Incoming::Pong);
        }
        panic!("no HTTP request");
    }
}

fn append(out: &[Out]) -> (u64, u64) {
    match http(out).1 {
        HttpRequest::Append { offset, length, .. } => (offset, length),
        other => panic!("{other:?}"),
    }
}

fn progress(out: &[Out]) -> Vec<u8> {
    let percent = |output: &Out| match output {
        Output::Emit(Event::UploadProgress(_, percent)) => Some(*percent),
        _ => None,
    };
    out.iter().filter_map(percent).collect()
}

#[test]
fn slices_follow_the_pace_of_what_was_sent() {
    let (mut driven, out) = large();
    assert_eq!(append(&out), (1 << 20, 2 << 20));
    driven.now = driven.now.plus(1_500);
    let out = driven.done(&out, reply(204, Some(3 << 20)));
    assert_eq!(append(&out), (3 << 20, 10 << 20));
    // What a probe finds was not sent in the time the probe took.
    driven.input(Input::HttpDone(http(&out).0, None));
    let out = driven.until_http();
    let out = driven.done(&out, reply(200, Some(4 << 20)));
    assert_eq!(append(&out), (4 << 20, 5 << 20));
}

#[test]
fn progress_is_a_percentage_that_is_100_only_at_the_end() {
    let mut driven = Driven::online();
    let size = 1_500_000;
    let out = driven.send(1, vec![(UploadId(0), meta(size))]);
    let out = driven.done(&out, reply(201, Some(1 << 20)));
    assert_eq!(progress(&out), [69]);
    let out = driven.done(&out, reply(204, Some(size - 1)));
    assert_eq!((progress(&out), append(&out)), (vec![99], (size - 1, 1)));
    let out = driven.done(&out, reply(204, Some(size)));
    assert_eq!(progress(&out), [100]);
}

#[test]
fn failures_count_until_more_bytes_are_there() {
    let (mut driven, mut out) = large();
    let mut offset = 1 << 20;
    for round in 0..5 {
        // Each time the gateway fails, and knows of no more bytes.
        for _ in 0..4 {
            driven.done(&out, reply(500, None));
            out = driven.until_http();
            out = driven.done(&out, reply(200, Some(offset)));
        }
        offset += 1 << 18;
        out = driven.done(&out, reply(204, Some(offset)));
        assert_eq!(append(&out).0, offset, "round {round}");
    }
    for _ in 0..8 {
        driven.done(&out, reply(500, None));
        out = driven.until_http();
        out = driven.done(&out, reply(200, Some(offset)));
    }
    let out = driven.done(&out, reply(500, None));
    let error = error_of(&out, 1);
    assert_eq!(&*error.code, "upload-failed");
    assert_eq!(
        error.message,
        "file \"f\": the gateway answered with status 500"
    );
}

#[test]
fn an_answer_that_makes_no_sense_fails_the_upload_and_says_so() {
    let sensible = || reply(201, Some(9));
    for wrong in [
        HttpReply {
            location: None,
            ..sensible()
        },
        HttpReply {
            location: Some("/v1/files/none".into()),
            ..sensible()
        },
        reply(201, None),
        reply(201, Some(10)),
    ] {
        let mut driven = Driven::online();
        let out = driven.send(1, vec![(UploadId(0), meta(9))]);
        let out = driven.done(&out, wrong);
        assert_eq!(
            error_of(&out, 1).message,
            "file \"f\": the answer lacks a usable Location or Upload-Offset header"
        );
    }
}

#[test]
fn an_upload_that_is_nowhere_to_be_created_fails() {
    for status in [404, 410] {
        let mut driven = Driven::online();
        let out = driven.send(1, vec![(UploadId(0), meta(9))]);
        let out = driven.done(&out, reply(status, None));
        assert!(error_of(&out, 1).message.ends_with(&status.to_string()));
    }
}

#[test]
fn a_request_without_an_answer_is_given_up_after_a_minute_and_asked_about() {
    let (mut driven, out) = large();
    let (hangs, started) = (http(&out).0, driven.now);
    loop {
        let out = driven.advance();
        driven.receive(Incoming::Pong);
        if out.contains(&Output::CancelHttp(hangs)) {
            break;
        }
        assert!(driven.now.since(started) < 60_000, "{out:?}");
    }
    assert_eq!(driven.now.since(started), 60_000);
    let out = driven.until_http();
    assert!(matches!(http(&out).1, HttpRequest::Probe { .. }));
}

#[test]
fn after_a_failure_nothing_is_asked_until_its_time() {
    let (mut driven, out) = large();
    assert_eq!(driven.input(Input::HttpDone(http(&out).0, None)), []);
    // Unless the network may have come back.
    let out = driven.input(Input::Wake);
    assert!(matches!(http(&out).1, HttpRequest::Probe { .. }));
}

#[test]
fn an_aborted_upload_is_ended_at_the_gateway_too() {
    let (mut driven, out) = large();
    let running = http(&out).0;
    let out = driven.abort(1);
    assert!(out.contains(&Output::CancelHttp(running)));
    let (ends, asked) = http(&out);
    let location = format!("/v1/files/{FILE}");
    assert_eq!(asked, HttpRequest::Terminate { location });
    let next = driven.send(2, vec![(UploadId(1), meta(9))]);
    let ids = [running, ends, http(&next).0];
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "{ids:?}"
    );
}

#[test]
fn only_so_many_files_are_uploaded_at_a_time() {
    let mut driven = Driven::online();
    let files = (0..5).map(|number| (UploadId(number), meta(9)));
    let mut out = driven.send(1, files.collect());
    let mut waits = 3;
    let mut running = http_ids(&out);
    assert_eq!(running.len(), 2);
    while let Some(id) = running.pop() {
        out = driven.input(Input::HttpDone(id, Some(reply(201, Some(9)))));
        let next = http_ids(&out);
        assert_eq!(next.len(), usize::from(waits > 0));
        waits -= next.len();
        running.extend(next);
    }
    assert_eq!(keys(&out).len(), 1);
}

#[test]
fn a_file_that_is_there_sends_no_other_message_again() {
    let mut driven = Driven::online();
    let out = driven.send(1, vec![(UploadId(0), meta(9)), (UploadId(1), meta(9))]);
    let ids = http_ids(&out);
    let text = keys(&driven.send(2, vec![]));
    let first = driven.input(Input::HttpDone(ids[0], Some(reply(201, Some(9)))));
    assert!(requests(&first).is_empty(), "{first:?}");
    let both = driven.input(Input::HttpDone(ids[1], Some(reply(201, Some(9)))));
    let sent = keys(&both);
    assert_eq!(sent.len(), 1);
    assert_ne!(sent, text);
}
