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
