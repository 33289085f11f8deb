//! Wrong arguments: a clear error that names them, and nothing is sent.

use js_sys::{Function, eval};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

fn js(expression: &str) -> JsValue {
    eval(&format!("({expression})")).expect("an expression")
}

#[wasm_bindgen_test]
async fn wrong_arguments_are_named_and_nothing_is_sent() {
    watch_sockets();
    let ada = Person::with_token(&"never-used".into()).await;
    for (argument, name) in [
        ("undefined", "the argument"),
        ("'text'", "the argument"),
        ("{content:'x'}", "channelId"),
        ("{channelId:1,content:'x'}", "channelId"),
        ("{channelId:'',content:'x'}", "channelId"),
        ("{channelId:'a\\n',content:'x'}", "channelId"),
        ("{channelId:'a'}", "content"),
        ("{channelId:'a',content:{}}", "content"),
        ("{channelId:'a',content:'x',parentId:'no-uuid'}", "parentId"),
        ("{channelId:'a',content:'x',parentId:7}", "parentId"),
        ("{channelId:'a',content:'x',metadata:[1]}", "metadata"),
        ("{channelId:'a',content:'x',metadata:'text'}", "metadata"),
        ("{channelId:'a',content:'x',metadata:new Map()}", "metadata"),
        (
            "{channelId:'a',content:'x',metadata:(()=>{const a={};a.a=a;return a})()}",
            "metadata",
        ),
        ("{channelId:'a',content:'x',metadata:{n:1n}}", "metadata"),
        ("{channelId:'a',content:'x',files:'f'}", "files"),
        ("{channelId:'a',content:'x',files:7}", "files"),
        (
            "{channelId:'a',content:'x',files:[new File([],'f'),{}]}",
            "files[1]",
        ),
        ("{channelId:'a',content:'x',signal:{}}", "signal"),
    ] {
        let result = settle(ada.chat.send_message(&js(argument))).await;
        let message = assert_error(&result, "invalid-argument");
        assert!(message.starts_with(name), "{argument}: {message}");
        assert_eq!(
            get(&result, "status.errorData.statusCode"),
            JsValue::from(400)
        );
        assert_eq!(get(&result, "status.errorData.retryable"), JsValue::FALSE);
    }
    for (argument, name) in [
        ("{}", "channelIds"),
        ("{channelIds:'a'}", "channelIds"),
        ("{channelIds:[]}", "channelIds"),
        ("{channelIds:['a',1]}", "channelIds[1]"),
        ("{channelIds:['a','']}", "channelIds[1]"),
    ] {
        for call in [
            ada.chat.subscribe(&js(argument)),
            ada.chat.unsubscribe(&js(argument)),
        ] {
            let message = assert_error(&settle(call).await, "invalid-argument");
            assert!(message.starts_with(name), "{argument}: {message}");
        }
    }
    let message = settle(ada.chat.download_file(&js("{file:{id:'x'}}"))).await;
    assert!(assert_error(&message, "invalid-argument").starts_with("file.id"));
    assert!(ada.events.pending().is_empty(), "something was tried");
}

#[wasm_bindgen_test]
async fn what_throws_while_it_is_read_is_named_and_holds_up_no_other_call() {
    let channel = fresh("throws");
    let ada = Person::new("ada", &[&channel]).await;
    let boom = "{ throw new Error('boom') }";
    let throwing = [
        ("{get channelId() BOOM,content:'x'}", "channelId"),
        ("{channelId:'a',get content() BOOM}", "content"),
        (
            "{channelId:'a',content:'x',get metadata() BOOM}",
            "metadata",
        ),
        ("{channelId:'a',content:'x',get signal() BOOM}", "signal"),
        ("{channelId:'a',content:'x',get files() BOOM}", "files"),
        (
            "{channelId:'a',content:'x',metadata:{get a() BOOM}}",
            "metadata",
        ),
        (
            "{channelId:'a',content:'x',metadata:{toJSON() BOOM}}",
            "metadata",
        ),
        (
            "{channelId:'a',content:'x',metadata:new Proxy({},{getPrototypeOf() BOOM})}",
            "metadata",
        ),
        (
            "{channelId:'a',content:'x',metadata:(()=>{const {proxy,revoke}=Proxy.revocable({},{});revoke();return proxy})()}",
            "metadata",
        ),
        (
            "{channelId:'a',content:'x',files:{get length() BOOM}}",
            "files",
        ),
        (
            "{channelId:'a',content:'x',files:{length:1,get 0() BOOM}}",
            "files",
        ),
        (
            "{channelId:'a',content:'x',files:[new Proxy(new File([],'f'),{})]}",
            "files[0].name",
        ),
        (
            "{channelId:'a',content:'x',files:[Object.defineProperty(new File([],'f'),'size',{get() BOOM})]}",
            "files[0].size",
        ),
        (
            "{channelId:'a',content:'x',signal:new Proxy(new AbortController().signal,{})}",
            "signal",
        ),
        (
            "{channelId:'a',get content() { throw Object.create(null) }}",
            "content",
        ),
        (
            "{channelId:'a',get content() { throw undefined }}",
            "content",
        ),
        ("new Proxy({},{get() BOOM})", "signal"),
        (
            "(()=>{const {proxy,revoke}=Proxy.revocable({},{});revoke();return proxy})()",
            "signal",
        ),
    ];
    // Before the engine is loaded, while it loads, and after.
    for _ in 0..2 {
        let mut promises = Vec::new();
        for (argument, name) in throwing {
            let call = Function::new_with_args(
                "chat",
                &format!(
                    "return chat.sendMessage({})",
                    argument.replace("BOOM", boom)
                ),
            );
            let promise = call.call1(&JsValue::UNDEFINED, &ada.chat);
            let promise = promise.unwrap_or_else(|error| panic!("{argument} threw {error:?}"));
            promises.push((argument, name, promise, ada.send(&channel, argument)));
        }
        for (argument, name, promise, next) in promises {
            let message = assert_error(&settle(promise.unchecked_into()).await, "invalid-argument");
            assert!(message.starts_with(name), "{argument}: {message}");
            assert_ok(&settle(next).await);
        }
    }
    for call in [
        "chat.subscribe({get channelIds() BOOM})",
        "chat.subscribe({channelIds:Object.defineProperty([1],0,{get() BOOM})})",
        "chat.unsubscribe({get channelIds() BOOM})",
        "chat.fetchHistory({get channelId() BOOM})",
        "chat.fetchHistoryAround({channelId:'a',get messageId() BOOM})",
        "chat.downloadFile({get file() BOOM})",
        "chat.downloadFile({file:{get id() BOOM}})",
    ] {
        let call =
            Function::new_with_args("chat", &format!("return {}", call.replace("BOOM", boom)));
        let promise = call
            .call1(&JsValue::UNDEFINED, &ada.chat)
            .expect("no throw");
        let message = assert_error(&settle(promise.unchecked_into()).await, "invalid-argument");
        assert!(message.contains("boom"), "{message}");
    }
    ada.say(&channel, "at the end").await;
}

#[wasm_bindgen_test]
async fn metadata_deeper_than_64_levels_is_refused_before_it_is_sent() {
    let channel = fresh("deep");
    let ada = Person::new("ada", &[&channel]).await;
    let send = |metadata: &str| {
        let make = Function::new_with_args(
            "chat, channelId",
            &format!(
                "const nested = (levels) => JSON.parse('{{\"a\":'.repeat(levels - 1) + '{{}}' + '}}'.repeat(levels - 1));
                 return chat.sendMessage({{channelId, content: '[[[[{{{{\\\\\"[[', metadata: {metadata}}})"
            ),
        );
        let promise = make.call2(&JsValue::UNDEFINED, &ada.chat, &channel.as_str().into());
        promise
            .expect("no throw")
            .unchecked_into::<js_sys::Promise>()
    };
    assert_ok(&settle(send("nested(64)")).await);
    assert_ok(&settle(send(&format!("{{a:'{}'}}", "[{\"".repeat(100)))).await);
    for deep in ["nested(65)", "nested(3000)", "{toJSON: () => nested(65)}"] {
        let message = assert_error(&settle(send(deep)).await, "invalid-argument");
        assert!(
            message.starts_with("metadata") && message.contains("64"),
            "{message}"
        );
    }
}

#[wasm_bindgen_test]
async fn metadata_without_a_prototype_is_as_good() {
    let channel = fresh("null-prototype");
    let ada = Person::new("ada", &[&channel]).await;
    let result = settle(ada.chat.send_message(&object(&[
        ("channelId", channel.as_str().into()),
        ("content", "x".into()),
        ("metadata", js("Object.assign(Object.create(null), {a: 1})")),
    ])))
    .await;
    assert_ok(&result);
    assert_eq!(
        stringify(&get(&result, "response.message.metadata")),
        r#"{"a":1}"#
    );
}

#[wasm_bindgen_test]
async fn what_the_caller_changes_after_the_call_is_not_sent() {
    let channel = fresh("snapshot");
    let ada = Person::new("ada", &[&channel]).await;
    let metadata = json(r#"{"a":1}"#);
    let arguments = object(&[
        ("channelId", channel.as_str().into()),
        ("content", "x".into()),
        ("metadata", metadata.clone()),
    ]);
    let promise = ada.chat.send_message(&arguments);
    let change: Function = Function::new_with_args("o", "o.a = 2").unchecked_into();
    change
        .call1(&JsValue::UNDEFINED, &metadata)
        .expect("a change");
    let result = settle(promise).await;
    assert_eq!(
        stringify(&get(&result, "response.message.metadata")),
        r#"{"a":1}"#
    );
}
