//! The outbox that outlives the page: the package's `outbox.js` over the browser's own IndexedDB and locks.
//! A page's end is played by closing its storage: what happens after that is not written any more.

use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::File;

use crate::support::*;

/// Whether the browser stores files at all: WebKit's private mode refuses them.
async fn keeps_files() -> bool {
    let attempt = Function::new_no_args(
        "return new Promise((resolve) => {
             const open = indexedDB.open('can it keep files?', 1);
             open.onupgradeneeded = () => open.result.createObjectStore('files');
             open.onsuccess = () => {
                 const put = open.result.transaction('files', 'readwrite').objectStore('files').put(new File(['x'], 'x'), 1);
                 put.onsuccess = () => resolve(true);
                 put.onerror = () => resolve(false);
             };
         });",
    );
    let answer = attempt.call0(&JsValue::UNDEFINED).expect("a promise");
    settle(answer.unchecked_into()).await.is_truthy()
}

/// A person whose unsent messages outlive the page.
async fn open(token: &str) -> Person {
    let person = Person::with_outbox(&token.into(), "indexeddb").await;
    assert_ok(&settle(person.chat.connect()).await);
    person
}

/// The promises of what earlier pages have left, which is so much.
async fn restored(person: &Person, count: usize) -> Vec<Promise> {
    let mut results = Vec::new();
    while results.len() < count {
        let data = person.events.next("outbox.restored").await;
        results.push(get(&data, "result").unchecked_into());
    }
    results
}

/// Whether nothing was left by earlier pages: an own message is sent only when storage has answered.
async fn nothing_was_left(person: &Person, channel: &str) -> bool {
    person.say(channel, "anything before this?").await;
    let is_restored = |event: &JsValue| text(event, "type") == "outbox.restored";
    !person.events.pending().iter().any(is_restored)
}

#[wasm_bindgen_test]
async fn what_a_page_leaves_unsent_is_sent_once_by_the_next() {
    let (name, channel) = (fresh("ada"), fresh("kept"));
    let token = token(&name, &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let page = open(&token).await;
    assert!(nothing_was_left(&page, &channel).await);
    bob.events.contents(1).await;
    // Whether the gateway has them is not known to the page that ends.
    for number in 0..20 {
        let _ = page.send(&channel, &number.to_string());
    }
    page.end_storage();
    page.cut();

    let next = open(&token).await;
    let results = restored(&next, 20).await;
    for (number, result) in results.into_iter().enumerate() {
        let result = settle(result).await;
        assert_ok(&result);
        assert_eq!(
            text(&result, "response.message.content"),
            number.to_string()
        );
    }
    next.say(&channel, "the end").await;
    let mut expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    expected.push("the end".to_owned());
    assert_eq!(bob.events.contents(21).await, expected);

    // All are reported and forgotten.
    next.end_storage();
    let last = open(&token).await;
    assert!(nothing_was_left(&last, &channel).await);
}

#[wasm_bindgen_test]
async fn files_are_kept_and_their_uploads_go_on() {
    const SIZE: u32 = 3 << 20;
    let can_keep_files = keeps_files().await;
    let (name, channel) = (fresh("ada"), fresh("kept-file"));
    let token = token(&name, &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let page = open(&token).await;
    let bytes = Uint8Array::new_with_length(SIZE).fill(7, 0, SIZE);
    let file = File::new_with_u8_array_sequence(&Array::of1(&bytes), "kept.bin").expect("a file");
    let sent = page.chat.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "with a file".into()),
        ("files", Array::of1(&file).into()),
    ]));
    if can_keep_files {
        page.events.next("file.upload.progress").await;
        page.end_storage();
        let next = open(&token).await;
        for result in restored(&next, 1).await {
            assert_ok(&settle(result).await);
        }
    } else {
        // The event reports it, and the page sends the message itself.
        page.events.next("outbox.warning").await;
        assert_ok(&settle(sent).await);
    }
    let message = get(&bob.events.next("message.new").await, "message");
    assert_eq!(text(&message, "content"), "with a file");
    assert_eq!(get(&message, "files.0.size"), JsValue::from(SIZE));
    assert_eq!(text(&message, "files.0.name"), "kept.bin");
}

#[wasm_bindgen_test]
async fn an_open_page_keeps_its_messages_to_itself() {
    let (name, channel) = (fresh("ada"), fresh("two-tabs"));
    let token = token(&name, &[&channel]).await;
    let page = open(&token).await;
    let sent = page.send(&channel, "mine");
    let other = open(&token).await;
    assert!(nothing_was_left(&other, &channel).await);
    assert_ok(&settle(sent).await);
}
