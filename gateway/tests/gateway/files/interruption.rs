//! Uploads that are cut, taken over or continued after a restart.

use super::*;

#[tokio::test]
async fn what_came_before_a_cut_is_kept() {
    let ada = Uploader::new().await;
    let path = ada.created(1_000_000).await;
    let mut socket = half_a_patch(&ada, &path, 1_000_000, &bytes(600_000)).await;
    ada.until_metric("alo_upload_bytes_total 600000").await;
    socket.shutdown().await.unwrap();
    drop(socket);
    // The newer request waits for the older to be settled, so this is where it stands.
    goes_on_at_600_000(&ada, &path).await;
}

#[tokio::test]
async fn a_newer_request_takes_over_from_one_that_hangs() {
    let ada = Uploader::new().await;
    let path = ada.created(1_000_000).await;
    // It stays open and says nothing more.
    let hanging = half_a_patch(&ada, &path, 1_000_000, &bytes(600_000)).await;
    ada.until_metric("alo_upload_bytes_total 600000").await;
    goes_on_at_600_000(&ada, &path).await;
    drop(hanging);
}

#[tokio::test]
async fn uploads_outlive_a_restart() {
    let Uploader { gateway, token } = Uploader::new().await;
    let ada = Uploader { gateway, token };
    let path = ada.created(6).await;
    assert_eq!(
        ada.patch(&path, 0, b"abc").send().await.unwrap().status(),
        204
    );
    let Uploader { gateway, token } = ada;
    let ada = Uploader {
        gateway: gateway.restart().await,
        token,
    };
    assert_eq!(ada.offset(&path).await, 3);
    assert_eq!(
        ada.patch(&path, 3, b"def").send().await.unwrap().status(),
        204
    );
    assert_eq!(
        ada.get(&path, ("accept", "*/*"))
            .await
            .text()
            .await
            .unwrap(),
        "abcdef"
    );
}

/// Of a million bytes so many are stored; the rest completes it.
async fn goes_on_at_600_000(ada: &Uploader, path: &str) {
    assert_eq!(ada.offset(path).await, 600_000);
    let rest = &bytes(1_000_000)[600_000..];
    assert_eq!(
        ada.patch(path, 600_000, rest)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert!(
        ada.get(path, ("accept", "*/*"))
            .await
            .bytes()
            .await
            .unwrap()
            == bytes(1_000_000)
    );
}
