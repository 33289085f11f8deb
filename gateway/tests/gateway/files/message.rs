//! Files and the messages they belong to.

use super::*;

#[tokio::test]
async fn an_ended_upload_is_gone_and_one_of_a_message_cannot_be_ended() {
    let ada = Uploader::new().await;
    let path = ada.uploaded(b"abc").await;
    let id = path.rsplit('/').next().unwrap();
    let folder = ada.gateway.data().join("files").join(id);
    assert!(folder.exists());
    assert_eq!(
        ada.request(Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert!(!folder.exists(), "the bytes are gone");
    assert_eq!(
        ada.request(Method::HEAD, &path)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(
        ada.send(1, &[&path]).await["error"]["code"],
        "file-not-found"
    );

    let kept = ada.uploaded(b"abc").await;
    assert!(ada.send(2, &[&kept]).await.get("result").is_some());
    let refused = ada.request(Method::DELETE, &kept).send().await.unwrap();
    assert_eq!(error_of(refused).await.1, "file-in-use");
}

#[tokio::test]
async fn a_file_belongs_to_one_message_and_must_be_whole() {
    let ada = Uploader::new().await;
    let (half, whole) = (ada.created(3).await, ada.uploaded(b"abc").await);
    assert_eq!(
        ada.send(1, &[&whole, &half]).await["error"]["code"],
        "file-incomplete"
    );
    let first = ada.send(2, &[&whole]).await;
    assert_eq!(
        first["result"]["message"]["files"][0]["size"], 3,
        "the refused message has not taken it"
    );
    assert_eq!(
        ada.send(2, &[&whole]).await["result"],
        first["result"],
        "the same message, sent again"
    );
    assert_eq!(ada.send(3, &[&whole]).await["error"]["code"], "file-in-use");
}

#[tokio::test]
async fn files_are_seen_by_those_who_may() {
    let ada = Uploader::new().await;
    let path = ada.uploaded(b"abc").await;
    let token_of = async |user: &str, channel: &str| ada.gateway.token(user, &[channel]).await;
    let status = async |token: &str, method: Method| {
        let request = ada
            .gateway
            .http
            .request(method, ada.gateway.url(&path))
            .bearer_auth(token);
        request
            .header("tus-resumable", "1.0.0")
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let (member, stranger) = (token_of("bob", "a").await, token_of("bob", "b").await);
    assert_eq!(
        status(&member, Method::GET).await,
        404,
        "not before it is sent"
    );
    assert_eq!(status(&member, Method::HEAD).await, 404);
    assert_eq!(status(&member, Method::DELETE).await, 404);
    assert!(ada.send(1, &[&path]).await.get("result").is_some());
    assert_eq!(status(&member, Method::GET).await, 200);
    assert_eq!(status(&stranger, Method::GET).await, 404);
    assert_eq!(
        status(&token_of("ada", "b").await, Method::GET).await,
        404,
        "nor with a token of another channel"
    );
    let nobody = ada
        .gateway
        .http
        .get(ada.gateway.url(&path))
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(nobody).await.1, "token-missing");
    let outside = ada.create(1).header("upload-metadata", "x");
    let mut outside = outside.build().unwrap();
    outside
        .headers_mut()
        .insert("upload-metadata", metadata("b", "x", "").parse().unwrap());
    assert_eq!(
        error_of(ada.gateway.http.execute(outside).await.unwrap())
            .await
            .1,
        "channel-forbidden"
    );
}
