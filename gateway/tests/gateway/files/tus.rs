//! The requests of tus.

use super::*;

#[tokio::test]
async fn what_the_server_can_do_is_announced() {
    let ada = Uploader::new().await;
    let response = ada
        .gateway
        .http
        .request(Method::OPTIONS, ada.gateway.url("/v1/files"))
        .send()
        .await
        .unwrap();
    assert!(response.status().is_success());
    let headers = response.headers();
    assert_eq!(headers["tus-version"], "1.0.0");
    assert_eq!(
        headers["tus-extension"],
        "creation,creation-with-upload,termination,checksum,expiration"
    );
    assert_eq!(headers["tus-checksum-algorithm"], "sha1,sha256");
    assert_eq!(headers["tus-max-size"], "8589934592");
    let old = ada
        .gateway
        .http
        .post(ada.gateway.url("/v1/files"))
        .bearer_auth(&ada.token);
    let response = old.header("tus-resumable", "0.2.2").send().await.unwrap();
    assert_eq!(response.headers()["tus-version"], "1.0.0");
    assert_eq!(response.headers()["tus-resumable"], "1.0.0");
    assert_eq!(error_of(response).await.1, "unsupported-version");
}

#[tokio::test]
async fn a_file_in_pieces_is_one_file() {
    let ada = Uploader::new().await;
    let all = bytes(20_000_000);
    let path = ada.created(all.len()).await;
    assert_eq!(ada.offset(&path).await, 0);
    let mut offset = 0;
    for size in [1, 999, 17_000_000, 2_999_000] {
        let response = ada
            .patch(&path, offset, &all[offset..offset + size])
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 204);
        offset += size;
        assert_eq!(number(&response, "upload-offset"), offset as u64);
        assert!(response.headers().contains_key("upload-expires"));
    }
    assert_eq!(ada.offset(&path).await, all.len() as u64);
    let whole = ada.get(&path, ("accept", "*/*")).await;
    assert_eq!(whole.headers()["content-length"], all.len().to_string());
    assert!(whole.bytes().await.unwrap() == all, "the bytes differ");
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=999-1001", 999, 1_002),
        ("bytes=-5", all.len() - 5, all.len()),
    ] {
        let part = ada.get(&path, ("range", range)).await;
        assert_eq!(part.status(), 206);
        assert_eq!(
            part.headers()["content-range"],
            format!("bytes {from}-{}/{}", to - 1, all.len())
        );
        assert_eq!(part.bytes().await.unwrap(), all[from..to]);
    }
    let beyond = ada.get(&path, ("range", "bytes=20000000-")).await;
    assert_eq!(beyond.headers()["content-range"], "bytes */20000000");
    assert_eq!(error_of(beyond).await.1, "range-not-satisfiable");
}

#[tokio::test]
async fn a_small_file_goes_in_one_request_and_an_empty_one_too() {
    let ada = Uploader::new().await;
    let request = ada
        .create(5)
        .header("content-type", OFFSET_STREAM)
        .body("hello");
    let response = request.send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            number(&response, "upload-offset")
        ),
        (201, 5)
    );
    let hello = location(&response);
    let empty = ada.created(0).await;
    let reply = ada.send(1, &[&hello, &empty]).await;
    let files = &reply["result"]["message"]["files"];
    assert_eq!(files[0]["name"], "ä.txt");
    assert_eq!(files[0]["url"], hello);
    assert_eq!(
        (&files[0]["size"], &files[1]["size"]),
        (&json!(5), &json!(0))
    );
    assert_eq!(files[0]["lastModified"], 1_700_000_000_000_i64);
    assert_eq!(files[0]["contentType"], "text/plain");
    assert_eq!(
        ada.get(&empty, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap(),
        ""
    );
}

#[tokio::test]
async fn a_repeated_creation_is_the_same_upload() {
    let ada = Uploader::new().await;
    let create = |size| {
        let request = ada.create(size).header("idempotency-key", key(5));
        request
            .header("content-type", OFFSET_STREAM)
            .body("hel")
            .send()
    };
    let first = create(5).await.unwrap();
    let again = create(5).await.unwrap();
    assert_eq!(location(&first), location(&again));
    // Its first bytes are not taken twice.
    assert_eq!(
        (
            number(&first, "upload-offset"),
            number(&again, "upload-offset")
        ),
        (3, 3)
    );
    assert_eq!(
        error_of(create(6).await.unwrap()).await.1,
        "idempotency-conflict"
    );
}

#[tokio::test]
async fn a_wrong_offset_type_or_length_is_refused_and_changes_nothing() {
    let ada = Uploader::new().await;
    let path = ada.created(10).await;
    assert_eq!(
        ada.patch(&path, 0, b"abc").send().await.unwrap().status(),
        204
    );
    let wrong = ada.patch(&path, 0, b"abc").send().await.unwrap();
    assert_eq!(error_of(wrong).await.1, "offset-mismatch");
    // How much fits is reported only for the right offset.
    let late = ada.patch(&path, 0, &[0; 10]).send().await.unwrap();
    assert_eq!(error_of(late).await.1, "offset-mismatch");
    let beyond = ada.patch(&path, 3, &[0; 8]).send().await.unwrap();
    assert_eq!(error_of(beyond).await.1, "file-too-large");
    let kind = ada
        .request(Method::PATCH, &path)
        .header("upload-offset", 3)
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(kind).await.0, 415);
    let missing = ada
        .request(Method::PATCH, &path)
        .header("content-type", OFFSET_STREAM)
        .body("x")
        .send()
        .await
        .unwrap();
    assert!(error_of(missing).await.2.starts_with("Upload-Offset"));
    assert_eq!(ada.offset(&path).await, 3);
    for (header, value, word) in [
        ("upload-length", "-1", "Upload-Length"),
        ("upload-length", "9999999999999", "Upload-Length"),
        ("upload-metadata", "filename eA==", "channelId"),
        ("upload-defer-length", "1", "Upload-Defer-Length"),
    ] {
        let mut request = ada.create(1).build().unwrap();
        request.headers_mut().insert(header, value.parse().unwrap());
        let error = error_of(ada.gateway.http.execute(request).await.unwrap()).await;
        assert!(
            error.2.starts_with(word) || error.2.contains(word),
            "{}",
            error.2
        );
    }
}

#[tokio::test]
async fn bytes_with_another_checksum_are_not_kept() {
    let ada = Uploader::new().await;
    let all = bytes(9_000_000);
    let path = ada.created(all.len()).await;
    let digest = |bytes: &[u8]| format!("sha1 {}", STANDARD.encode(Sha1::digest(bytes)));
    let wrong = ada
        .patch(&path, 0, &all)
        .header("upload-checksum", digest(b"other"))
        .send()
        .await
        .unwrap();
    assert_eq!(error_of(wrong).await.0, 460);
    assert_eq!(ada.offset(&path).await, 0);
    let right = ada
        .patch(&path, 0, &all)
        .header("upload-checksum", digest(&all))
        .send()
        .await
        .unwrap();
    assert_eq!(right.status(), 204);
    assert!(
        ada.get(&path, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap()
            == all
    );
}
