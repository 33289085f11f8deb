//! How parts become objects on the disk, and what a kill leaves of them.

use std::{fs, time::SystemTime};

use super::*;
use crate::support::{PROCESS_KEY, Process, token};

fn digest(bytes: &[u8]) -> String {
    format!("sha1 {}", STANDARD.encode(Sha1::digest(bytes)))
}

#[tokio::test]
async fn bytes_sent_one_by_one_are_one_object() {
    let ada = Uploader::new().await;
    let all = bytes(200);
    let path = ada.created(all.len()).await;
    for (offset, byte) in all.iter().enumerate() {
        let mut request = ada.patch(&path, offset, &[*byte]);
        if offset % 2 == 0 {
            request = request.header("upload-checksum", digest(&[*byte]));
        }
        assert_eq!(request.send().await.unwrap().status(), 204);
    }
    assert_eq!(ada.objects(&path), [(format!("{:020}", 0), 200)]);
    assert_eq!(ada.bytes(&path).await, all);
}

#[tokio::test]
async fn a_small_part_grows_to_a_large_one_and_the_next_begins_another() {
    let ada = Uploader::new().await;
    let all = bytes(9_600_010);
    let path = ada.created(all.len()).await;
    let mut offset = 0;
    for size in [10, 300_000, 300_000, 9_000_000] {
        let piece = &all[offset..offset + size];
        let response = ada.patch(&path, offset, piece).send().await.unwrap();
        assert_eq!(response.status(), 204);
        offset += size;
    }
    let object = |offset: u64, size| (format!("{offset:020}"), size);
    let full = 8 << 20;
    let expected = [
        object(0, 300_010),
        object(300_010, 300_000),
        object(600_010, full),
        object(600_010 + full, 9_000_000 - full),
    ];
    assert_eq!(ada.objects(&path), expected);
    assert!(ada.bytes(&path).await == all);
}

#[tokio::test]
async fn a_wrong_checksum_leaves_a_small_part_as_it_was() {
    let ada = Uploader::new().await;
    let all = bytes(9_000_000);
    let path = ada.created(all.len()).await;
    let first = ada.patch(&path, 0, &all[..10]).send().await.unwrap();
    assert_eq!(first.status(), 204);
    for size in [1, 100_000, 8_999_990] {
        let wrong = ada
            .patch(&path, 10, &all[10..10 + size])
            .header("upload-checksum", digest(b"other"));
        assert_eq!(error_of(wrong.send().await.unwrap()).await.0, 460);
        assert_eq!(ada.objects(&path), [(format!("{:020}", 0), 10)]);
    }
    let rest = ada
        .patch(&path, 10, &all[10..])
        .header("upload-checksum", digest(&all[10..]));
    assert_eq!(rest.send().await.unwrap().status(), 204);
    assert!(ada.bytes(&path).await == all);
}

/// Requests to a gateway that is a process.
struct Client {
    process: Process,
    http: reqwest::Client,
    token: String,
}

impl Client {
    async fn start(data: &std::path::Path) -> Self {
        let process = Process::start(data).await;
        Self {
            token: token(&process.endpoint, PROCESS_KEY, "ada", &["a"]).await,
            http: reqwest::Client::new(),
            process,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.process.endpoint))
            .bearer_auth(&self.token)
            .header("tus-resumable", "1.0.0")
    }

    async fn created(&self, size: usize) -> String {
        let request = self
            .request(Method::POST, "/v1/files")
            .header("upload-length", size)
            .header("upload-metadata", metadata("a", "x", ""));
        location(&request.send().await.unwrap())
    }

    fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
        self.request(Method::PATCH, path)
            .header("upload-offset", offset)
            .header("content-type", OFFSET_STREAM)
            .body(bytes.to_vec())
    }

    async fn offset(&self, path: &str) -> usize {
        let response = self.request(Method::HEAD, path).send().await.unwrap();
        usize::try_from(number(&response, "upload-offset")).unwrap()
    }
}

/// What was answered is there after a kill, whichever step of writing small parts together it interrupts.
#[tokio::test]
async fn small_parts_survive_kills() {
    const ROUNDS: u64 = 6;
    let data = tempfile::tempdir().unwrap();
    let all = bytes(4_000_000);
    let mut random = fastrand::Rng::with_seed(12);
    let mut client = Client::start(data.path()).await;
    let path = client.created(all.len()).await;
    let mut answered = 0;
    for round in 0..ROUNDS {
        let kill = tokio::time::sleep(Duration::from_millis(150 + 17 * round));
        let write = async {
            loop {
                let size = random.usize(1..3_000);
                let piece = &all[answered..answered + size];
                match client.patch(&path, answered, piece).send().await {
                    Ok(response) if response.status() == 204 => answered += size,
                    other => panic!("{other:?}"),
                }
            }
        };
        tokio::select! {
            () = write => {}
            () = kill => {}
        }
        client.process.child.kill().await.unwrap();
        client = Client::start(data.path()).await;
        let offset = client.offset(&path).await;
        assert!(
            offset >= answered,
            "{answered} were answered, {offset} are there"
        );
        answered = offset;
    }
    assert!(answered > 0);
    let rest = client.patch(&path, answered, &all[answered..]);
    assert_eq!(rest.send().await.unwrap().status(), 204);
    let whole = client.request(Method::GET, &path).send().await.unwrap();
    assert!(whole.bytes().await.unwrap() == all, "the bytes differ");
}

#[tokio::test]
async fn what_a_kill_leaves_unfinished_is_swept() {
    let data = tempfile::tempdir().unwrap();
    let mut client = Client::start(data.path()).await;
    let path = client.created(6_000_000).await;
    let first = client
        .patch(&path, 0, &bytes(300_000))
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), 204);
    let folder = data
        .path()
        .join("files")
        .join(path.rsplit('/').next().unwrap());
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let counted = format!("{:020}", 0);
    assert_eq!(names(), [counted.as_str()]);
    // A second part is on its way when the process is killed.
    let host = client.process.endpoint.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: 300000\r\nContent-Type: {OFFSET_STREAM}\r\nContent-Length: 5700000\r\n\r\n",
        client.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&[7; 2_000_000]).await.unwrap();
    while names().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.process.child.kill().await.unwrap();
    assert_eq!(names().len(), 2, "the kill left something");
    // A part that was written and not counted.
    fs::write(folder.join(format!("{:020}", 300_000)), b"abc").unwrap();
    let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    for name in names() {
        let file = fs::File::options().write(true).open(folder.join(name));
        file.unwrap().set_modified(hour_ago).unwrap();
    }
    let young = format!("{:020}", 7);
    fs::write(folder.join(&young), b"abc").unwrap();
    let client = Client::start(data.path()).await;
    while names().len() > 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(names(), [counted, young]);
    assert_eq!(client.offset(&path).await, 300_000);
}
