//! Files up and down.

use js_sys::{Array, Function, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// A native `File` of so many bytes, none like the other.
fn file(name: &str, size: u32) -> JsValue {
    let make = Function::new_with_args(
        "name, size",
        "const part = new Uint8Array(65521).map((_, i) => (i * 31 + 7) & 255);
         const parts = []; let left = size;
         while (left > 0) { parts.push(part.subarray(0, left)); left -= Math.min(left, part.length); }
         return new File(parts, name, { type: 'application/x-test', lastModified: 1700000000123 });",
    );
    make.call2(&JsValue::UNDEFINED, &name.into(), &size.into())
        .expect("a File")
}

async fn bytes(blob: &JsValue) -> Vec<u8> {
    let buffer = JsFuture::from(blob.unchecked_ref::<web_sys::Blob>().array_buffer())
        .await
        .expect("bytes");
    Uint8Array::new(&buffer).to_vec()
}

async fn send(person: &Person, channel: &str, files: &[JsValue]) -> JsValue {
    let files: Array = files.iter().collect();
    settle(person.chat.send_message(&object(&[
        ("channelId", channel.into()),
        ("content", "with files".into()),
        ("files", files.into()),
    ])))
    .await
}

#[wasm_bindgen_test]
async fn files_of_any_name_and_size_arrive_as_they_were() {
    let channel = fresh("files");
    let ada = Person::new("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let sent = [
        ("пустой файл.txt", 0),
        ("写真 📷 \"quoted\"; a=b.png", 1),
        ("../../etc/passwd", 70_000),
        ("three-megabytes.bin", 3_000_000),
    ];
    let files: Vec<_> = sent.iter().map(|(name, size)| file(name, *size)).collect();
    assert_ok(&send(&ada, &channel, &files).await);
    let message = get(&bob.events.next("message.new").await, "message");
    for (index, ((name, size), source)) in sent.iter().zip(&files).enumerate() {
        let file = get(&message, &format!("files.{index}"));
        assert_eq!(text(&file, "name"), *name);
        assert_eq!(get(&file, "size"), JsValue::from(*size));
        assert_eq!(
            get(&file, "lastModified"),
            JsValue::from(1_700_000_000_123_f64)
        );
        assert_eq!(text(&file, "contentType"), "application/x-test");
        assert_eq!(text(&file, "channelId"), channel);
        assert!(text(&file, "url").ends_with(&text(&file, "id")));
        let result = settle(bob.chat.download_file(&object(&[("file", file)]))).await;
        assert_ok(&result);
        let (down, up) = (
            bytes(&get(&result, "response.blob")).await,
            bytes(source).await,
        );
        assert!(down == up, "{name} came down different");
    }
}

#[wasm_bindgen_test]
async fn progress_rises_to_a_hundred_and_then_the_file_is_complete() {
    let channel = fresh("progress");
    let ada = Person::new("ada", &[&channel]).await;
    let source = file("big.bin", 4_000_000);
    let result = send(&ada, &channel, std::slice::from_ref(&source)).await;
    let events = ada.events.pending();
    let percents: Vec<f64> = events
        .iter()
        .filter(|event| text(event, "type") == "file.upload.progress")
        .map(|event| {
            assert_eq!(get(event, "data.file.source"), source);
            get(event, "data.percent").as_f64().expect("a number")
        })
        .collect();
    assert!(percents.len() > 1, "{percents:?}");
    assert!(percents.is_sorted_by(|a, b| a <= b), "{percents:?}");
    assert_eq!(percents.last(), Some(&100.0));
    let complete: Vec<_> = events
        .iter()
        .filter(|event| text(event, "type") == "file.upload.complete")
        .collect();
    assert_eq!(complete.len(), 1);
    assert_eq!(
        text(complete[0], "data.file.id"),
        text(&result, "response.message.files.0.id")
    );
}

#[wasm_bindgen_test]
async fn a_files_bytes_never_enter_wasm_memory() {
    let channel = fresh("memory");
    let ada = Person::new("ada", &[&channel]).await;
    ada.say(&channel, "warm").await;
    let memory = || {
        get(&wasm_bindgen::memory(), "buffer.byteLength")
            .as_f64()
            .expect("a size")
    };
    let before = memory();
    assert_ok(&send(&ada, &channel, &[file("large.bin", 48 << 20)]).await);
    assert!(
        memory() - before < f64::from(1 << 20),
        "wasm memory grew by {}",
        memory() - before
    );
}

#[wasm_bindgen_test]
async fn a_file_the_token_does_not_open_fails_the_message_and_says_why() {
    let ada = Person::new("ada", &["other"]).await;
    let result = send(&ada, &fresh("closed"), &[file("f.bin", 10)]).await;
    assert!(assert_error(&result, "channel-forbidden").contains("f.bin"));
    let kinds: Vec<_> = ada
        .events
        .pending()
        .iter()
        .map(|event| text(event, "type"))
        .collect();
    assert!(kinds.contains(&"file.upload.error".to_owned()), "{kinds:?}");
}

#[wasm_bindgen_test]
async fn an_aborted_message_with_files_is_taken_back() {
    let channel = fresh("abort");
    let ada = Person::new("ada", &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let controller = web_sys::AbortController::new().expect("a controller");
    let files: Array = [file("large.bin", 32 << 20)].iter().collect();
    let promise = ada.chat.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "never".into()),
        ("files", files.into()),
        ("signal", controller.signal().into()),
    ]));
    ada.events.next("file.upload.progress").await;
    controller.abort();
    assert_error(&settle(promise).await, "aborted");
    ada.say(&channel, "after").await;
    assert_eq!(bob.events.contents(1).await, ["after"]);
}
