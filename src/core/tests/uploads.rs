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
