//! Downloads.

use super::*;

#[tokio::test]
async fn nothing_downloaded_can_run() {
    let ada = Uploader::new().await;
    let upload = async |name: &str, kind: &str| {
        let mut request = ada
            .create(1)
            .header("content-type", OFFSET_STREAM)
            .body("x")
            .build()
            .unwrap();
        request.headers_mut().insert(
            "upload-metadata",
            metadata("a", name, kind).parse().unwrap(),
        );
        location(&ada.gateway.http.execute(request).await.unwrap())
    };
    for (name, kind, served, disposition) in [
        (
            "x.html",
            "text/html",
            "application/octet-stream",
            "attachment",
        ),
        (
            "x.svg",
            "image/svg+xml",
            "application/octet-stream",
            "attachment",
        ),
        ("x.png", "image/png", "image/png", "inline"),
        (
            "x\r\nSet-Cookie: a=b",
            "text/html\r\nx: y",
            "application/octet-stream",
            "attachment",
        ),
    ] {
        let path = upload(name, kind).await;
        let response = ada.get(&path, ("accept", "*/*")).await;
        let headers = response.headers();
        assert_eq!(headers["content-type"], served);
        assert!(
            headers["content-disposition"]
                .to_str()
                .unwrap()
                .starts_with(disposition)
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'; sandbox"
        );
        assert!(headers.get("set-cookie").is_none());
        let etag = headers["etag"].to_str().unwrap().to_owned();
        assert_eq!(ada.get(&path, ("if-none-match", &etag)).await.status(), 304);
    }
}
