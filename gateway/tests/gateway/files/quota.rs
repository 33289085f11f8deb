//! What a user may have: uploads, bytes, metadata, transfers.

use futures_util::future::join_all;

use super::*;

/// A creation's refusal.
async fn refused(request: RequestBuilder) -> (u16, String, String) {
    error_of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn metadata_beyond_4_kib_is_refused() {
    let ada = Uploader::new().await;
    let with = |more: usize| {
        let mut request = ada.create(1).build().unwrap();
        let metadata = format!("{},x {}", metadata("a", "x", ""), "A".repeat(more));
        let headers = request.headers_mut();
        headers.insert("upload-metadata", metadata.parse().unwrap());
        ada.gateway.http.execute(request)
    };
    assert_eq!(with(3_800).await.unwrap().status(), 201);
    for more in [4_096, 20_000] {
        let (status, code, message) = error_of(with(more).await.unwrap()).await;
        assert_eq!((status, code.as_str()), (400, "invalid-argument"));
        assert_eq!(message, "Upload-Metadata: must be at most 4096 bytes");
    }
    // Heads have a limit too.
    assert_eq!(with(360_000).await.unwrap().status(), 431);
}

#[tokio::test]
async fn a_quota_is_named_and_each_user_has_one() {
    let flags = ["--quota-open-uploads", "3", "--quota-open-bytes", "1000"];
    let more = ["--quota-files", "4", "--quota-bytes", "1500"];
    let ada = Uploader::with(&[flags, more].concat(), |_| {}).await;
    let (status, code, message) = refused(ada.create(1_001)).await;
    assert_eq!((status, code.as_str()), (413, "quota-exceeded"));
    assert!(message.contains("1000 bytes in open uploads"), "{message}");
    // The first bytes of a refused creation are read, so that the answer is received.
    let early = ada.create(2_000).header("content-type", OFFSET_STREAM);
    assert_eq!(refused(early.body(vec![0; 2_000])).await.1, code);
    let sent = ada.uploaded(&[7; 900]).await;
    assert!(ada.send(1, &[&sent]).await.get("result").is_some());
    let one = ada.created(500).await;
    let (_, _, message) = refused(ada.create(200)).await;
    assert!(message.contains("1500 bytes in files"), "{message}");
    ada.created(1).await;
    ada.created(1).await;
    let (_, _, message) = refused(ada.create(0)).await;
    assert!(message.contains("3 open uploads"), "{message}");
    let bob = Uploader {
        token: ada.gateway.token("bob", &["a"]).await,
        ..ada
    };
    bob.created(1_000).await;
    let ada = Uploader {
        token: bob.gateway.token("ada", &["a"]).await,
        ..bob
    };
    let ended = ada.request(Method::DELETE, &one).send().await.unwrap();
    assert_eq!(ended.status(), 204);
    ada.created(500).await;
}

#[tokio::test]
async fn creations_at_once_do_not_pass_a_quota_together() {
    let ada = Uploader::with(&["--quota-open-uploads", "5"], |_| {}).await;
    let answers = join_all((0..40).map(|_| ada.create(1).send())).await;
    let created = answers.iter().filter(|answer| {
        let status = answer.as_ref().unwrap().status();
        assert!(status == 201 || status == 413, "{status}");
        status == 201
    });
    assert_eq!(created.count(), 5);
}

#[tokio::test]
async fn more_transfers_than_a_user_may_have_are_refused() {
    let ada = Uploader::with(&["--transfers-per-user", "2"], |_| {}).await;
    let file = ada.uploaded(b"abc").await;
    let (one, two, three) = (
        ada.created(1_000).await,
        ada.created(1_000).await,
        ada.created(3).await,
    );
    let first = half_a_patch(&ada, &one, 1_000, b"abc").await;
    let second = half_a_patch(&ada, &two, 1_000, b"abc").await;
    ada.until_metric("alo_transfers 2").await;
    for request in [
        ada.patch(&three, 0, b"abc"),
        ada.create(3)
            .header("content-type", OFFSET_STREAM)
            .body("abc"),
        ada.request(Method::GET, &file),
    ] {
        let (status, code, _) = refused(request).await;
        assert_eq!((status, code.as_str()), (429, "too-many-requests"));
    }
    let bob = ada.gateway.token("bob", &["a"]).await;
    let bobs = ada.create(3).bearer_auth(bob).send().await.unwrap();
    assert_eq!(bobs.status(), 201, "others are not concerned");
    // A newer request to the same upload takes the older one's place.
    assert_eq!(ada.offset(&one).await, 3);
    let rest = ada.patch(&one, 3, &[7; 997]).send().await.unwrap();
    assert_eq!(rest.status(), 204);
    drop((first, second));
    ada.until_metric("alo_transfers 0").await;
    let now = ada.patch(&three, 0, b"abc").send().await.unwrap();
    assert_eq!(now.status(), 204);
}
