//! Clients that send or read slowly, and bodies that never end.

use tokio::{io::AsyncReadExt, time::timeout};

use super::*;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of which a client must transfer 1,000 bytes in 300 ms.
async fn with_pace() -> Uploader {
    Uploader::with(&[], |config| {
        config.files.pace.window = Duration::from_millis(300);
        config.files.pace.least = 1_000;
    })
    .await
}

/// Sends pieces at intervals until an answer arrives, or the connection ends.
async fn trickled(mut socket: TcpStream, piece: &[u8], pieces: usize) -> String {
    let (mut reading, mut writing) = socket.split();
    let write = async {
        for _ in 0..pieces {
            tokio::time::sleep(Duration::from_millis(30)).await;
            if writing.write_all(piece).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 4_096];
    tokio::select! {
        () = write => unreachable!("it never ends"),
        read = timeout(PATIENCE, reading.read(&mut answer)) => {
            let count = read.expect("the gateway answers").unwrap();
            String::from_utf8_lossy(&answer[..count]).into_owned()
        }
    }
}

#[tokio::test]
async fn an_upload_that_trickles_is_cut_and_one_that_is_slow_is_not() {
    let ada = with_pace().await;
    let (slow, trickle) = (ada.created(20_100).await, ada.created(20_100).await);
    let slow_socket = half_a_patch(&ada, &slow, 20_100, &bytes(100)).await;
    let socket = half_a_patch(&ada, &trickle, 20_100, &bytes(100)).await;
    let (slow_answer, answer) = tokio::join!(
        trickled(slow_socket, &[7; 400], 50),
        trickled(socket, &[7; 1], 1_000)
    );
    assert!(slow_answer.starts_with("HTTP/1.1 204 "), "{slow_answer}");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("at least 1000 are required"), "{answer}");
    // What came is kept.
    let offset = ada.offset(&trickle).await;
    assert!((100..1_100).contains(&offset), "{offset}");
}

/// Opens a download whose answer waits to be read.
async fn get(ada: &Uploader, path: &str) -> TcpStream {
    let host = ada.gateway.endpoint.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        ada.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn a_download_that_is_not_read_is_ended_and_one_read_slowly_is_not() {
    let ada = with_pace().await;
    let size = 24 << 20;
    let path = ada.uploaded(&bytes(size)).await;
    let mut unread = get(&ada, &path).await;
    let mut slow = get(&ada, &path).await;
    let mut count = 0;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = timeout(PATIENCE, slow.read(&mut buffer)).await.unwrap();
        match read.unwrap() {
            0 => break,
            read => count += read,
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(count > size, "the slow one was cut after {count}");
    // By itself: nothing of the other one was read.
    ada.until_metric("alo_transfers 0").await;
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, unread.read_to_end(&mut rest)).await;
    assert!(end.unwrap().is_err() || rest.len() < size, "it was ended");
}

/// 41 GB were once read after `Upload-Length: 10`.
#[tokio::test]
async fn a_body_beyond_its_length_is_not_read_to_its_end() {
    let ada = Uploader::new().await;
    let path = ada.created(10).await;
    let host = ada.gateway.endpoint.strip_prefix("http://").unwrap();
    let head = |method: &str, path: &str, more: &str| {
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
             {more}Content-Type: {OFFSET_STREAM}\r\nTransfer-Encoding: chunked\r\n\r\n",
            ada.token
        )
    };
    for (head, status) in [
        (head("PATCH", &path, "Upload-Offset: 0\r\n"), 413),
        (head("PATCH", &path, "Upload-Offset: 5\r\n"), 409),
        (head("POST", "/v1/files", ""), 400),
    ] {
        let mut socket = TcpStream::connect(host).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        let (mut reading, mut writing) = socket.split();
        let chunk = [b"10000\r\n", &[7; 0x10000][..], b"\r\n"].concat();
        let endless = async {
            let mut sent = 0;
            while writing.write_all(&chunk).await.is_ok() {
                sent += chunk.len();
            }
            sent
        };
        let answered = async {
            let mut answer = vec![0; 1_024];
            let count = reading.read(&mut answer).await.unwrap_or_default();
            String::from_utf8_lossy(&answer[..count]).into_owned()
        };
        let (_, answer) = timeout(PATIENCE, async { tokio::join!(endless, answered) })
            .await
            .expect("the gateway ends it");
        // A reset may overtake the answer.
        let expected = format!("HTTP/1.1 {status} ");
        assert!(
            answer.is_empty() || answer.starts_with(&expected),
            "{answer}"
        );
    }
}

/// What uploads and downloads that stand still hold in memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_transfer_holds_at_most_1_mib() {
    use crate::support::{PROCESS_KEY, Process, token};
    const COUNT: usize = 30;
    const SIZE: usize = 7 << 20;
    let data = tempfile::tempdir().unwrap();
    let flags = ["--api-key", PROCESS_KEY, "--transfers-per-user", "1000"];
    let process = Process::start_with(data.path(), &flags, std::process::Stdio::null()).await;
    let pid = process.child.id().unwrap();
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: usize = line
            .unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib << 10
    };
    let host = process.endpoint.strip_prefix("http://").unwrap();
    let token = token(&process.endpoint, PROCESS_KEY, "ada", &["a"]).await;
    let http = reqwest::Client::new();
    let created = async || {
        let request = http
            .post(format!("{}/v1/files", process.endpoint))
            .bearer_auth(&token)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", SIZE)
            .header("upload-metadata", metadata("a", "x", ""));
        location(&request.send().await.unwrap())
    };
    let open = async |head: String, body: &[u8]| {
        let mut socket = TcpStream::connect(host).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(body).await.unwrap();
        socket
    };
    let patch = |path: &str| {
        format!(
            "PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
             Upload-Offset: 0\r\nContent-Type: {OFFSET_STREAM}\r\nContent-Length: {SIZE}\r\n\r\n"
        )
    };
    let until = async |line: String| {
        loop {
            let metrics = http
                .get(format!("{}/metrics", process.endpoint))
                .send()
                .await;
            let metrics = metrics.unwrap().text().await.unwrap();
            if metrics.lines().any(|found| found == line) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let whole = created().await;
    let mut socket = open(patch(&whole), &vec![7; SIZE]).await;
    assert_ne!(socket.read(&mut [0; 512]).await.unwrap(), 0);
    let before = memory();
    let mut uploads = Vec::new();
    for _ in 0..COUNT {
        let path = created().await;
        // All but the last byte.
        uploads.push(open(patch(&path), &vec![7; SIZE - 1]).await);
    }
    until(format!(
        "alo_upload_bytes_total {}",
        SIZE + COUNT * (SIZE - 1)
    ))
    .await;
    let each = memory().saturating_sub(before) / COUNT;
    assert!(each < 1 << 20, "an upload holds {each} bytes");
    drop(uploads);
    until("alo_transfers 0".to_owned()).await;
    let before = memory();
    let mut downloads = Vec::new();
    for _ in 0..COUNT {
        let head =
            format!("GET {whole} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        downloads.push(open(head, &[]).await);
    }
    until(format!("alo_transfers {COUNT}")).await;
    let each = memory().saturating_sub(before) / COUNT;
    assert!(each < 1 << 20, "a download holds {each} bytes");
}
