//! The outbox that outlives the page: the package's `outbox.js` over the browser's own IndexedDB and locks.
//! A page's end is played by closing its storage: what happens after that is not written any more.

use alo_chat::web::Outbox;
use futures::{StreamExt, channel::mpsc};
use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::File;

use crate::support::*;

#[wasm_bindgen(module = "/pkg-template/outbox.js")]
extern "C" {
    #[wasm_bindgen(js_name = Outbox)]
    type Storage;
    #[wasm_bindgen(static_method_of = Storage, js_class = "Outbox", catch)]
    async fn open(endpoint: &str, restored: &JsValue, failed: &JsValue)
    -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    fn close(this: &Storage);
}

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

/// A person's page, as the package would set it up.
struct Page {
    person: Person,
    storage: Storage,
    restored: mpsc::UnboundedReceiver<Array>,
    failed: mpsc::UnboundedReceiver<JsValue>,
    _callbacks: [Closure<dyn FnMut(JsValue)>; 2],
}

impl Page {
    async fn open(token: &str) -> Self {
        let (sender, restored) = mpsc::unbounded();
        let on_restored = Closure::<dyn FnMut(JsValue)>::new(move |messages: JsValue| {
            let _ = sender.unbounded_send(messages.unchecked_into());
        });
        let (sender, failed) = mpsc::unbounded();
        let on_failed = Closure::<dyn FnMut(JsValue)>::new(move |cause| {
            // After the end of a page nothing can be written, and nobody is there to hear of it.
            let _ = sender.unbounded_send(cause);
        });
        let storage = Storage::open(ENDPOINT, on_restored.as_ref(), on_failed.as_ref())
            .await
            .expect("the browser has storage");
        let outbox: Outbox = storage.clone().unchecked_into();
        Self {
            person: Person::with_outbox(&token.into(), Some(outbox)),
            storage: storage.unchecked_into(),
            restored,
            failed,
            _callbacks: [on_restored, on_failed],
        }
    }

    /// Connects and sends what earlier pages have left: gives the promises.
    async fn take_over(&mut self) -> Vec<Promise> {
        assert_ok(&settle(self.person.engine.connect()).await);
        let messages = within(self.restored.next(), "storage").await;
        let messages = messages.expect("the page is open");
        let results = self.person.engine.restored(&messages);
        results.iter().map(JsCast::unchecked_into).collect()
    }
}

#[wasm_bindgen_test]
async fn what_a_page_leaves_unsent_is_sent_once_by_the_next() {
    let (name, channel) = (fresh("ada"), fresh("kept"));
    let token = token(&name, &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let mut page = Page::open(&token).await;
    assert!(page.take_over().await.is_empty());
    // Whether the gateway has them is not known to the page that ends.
    for number in 0..20 {
        let _ = page.person.send(&channel, &number.to_string());
    }
    page.storage.close();
    page.person.cut();

    let mut next = Page::open(&token).await;
    let results = next.take_over().await;
    assert_eq!(results.len(), 20);
    for (number, result) in results.into_iter().enumerate() {
        let result = settle(result).await;
        assert_ok(&result);
        assert_eq!(
            text(&result, "response.message.content"),
            number.to_string()
        );
    }
    next.person.say(&channel, "the end").await;
    let mut expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
    expected.push("the end".to_owned());
    assert_eq!(bob.events.contents(21).await, expected);

    // All is told and forgotten.
    next.storage.close();
    let mut last = Page::open(&token).await;
    assert!(last.take_over().await.is_empty());
}

#[wasm_bindgen_test]
async fn files_are_kept_and_their_uploads_go_on() {
    const SIZE: u32 = 3 << 20;
    let can_keep_files = keeps_files().await;
    let (name, channel) = (fresh("ada"), fresh("kept-file"));
    let token = token(&name, &[&channel]).await;
    let bob = Person::listening("bob", &[&channel]).await;
    let mut page = Page::open(&token).await;
    page.take_over().await;
    let bytes = Uint8Array::new_with_length(SIZE).fill(7, 0, SIZE);
    let file = File::new_with_u8_array_sequence(&Array::of1(&bytes), "kept.bin").expect("a file");
    let sent = page.person.engine.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "with a file".into()),
        ("files", Array::of1(&file).into()),
    ]));
    if can_keep_files {
        page.person.events.next("file.upload.progress").await;
        page.storage.close();
        let mut next = Page::open(&token).await;
        let results = next.take_over().await;
        assert_eq!(results.len(), 1);
        for result in results {
            assert_ok(&settle(result).await);
        }
    } else {
        // It says so, and the page itself sends it.
        within(page.failed.next(), "the failure").await;
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
    let mut page = Page::open(&token).await;
    page.take_over().await;
    let sent = page.person.send(&channel, "mine");
    let mut other = Page::open(&token).await;
    assert!(other.take_over().await.is_empty());
    assert_ok(&settle(sent).await);
}
