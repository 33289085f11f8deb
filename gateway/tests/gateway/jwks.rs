//! Tokens of the app's own issuer, by its key set.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alo_protocol::CloseCode;
use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Running, Socket, eventually};

const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "chat of example.com";
const ES256: (Algorithm, &[u8]) = (
    Algorithm::ES256,
    include_bytes!("../fixtures/issuer-es256.der"),
);
const EDDSA: (Algorithm, &[u8]) = (
    Algorithm::EdDSA,
    include_bytes!("../fixtures/issuer-eddsa.der"),
);
const RS256: (Algorithm, &[u8]) = (
    Algorithm::RS256,
    include_bytes!("../fixtures/issuer-rs256.der"),
);

fn private((algorithm, der): (Algorithm, &[u8])) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(der),
        Algorithm::EdDSA => EncodingKey::from_ed_der(der),
        Algorithm::RS256 => EncodingKey::from_rsa_der(der),
        other => panic!("{other:?}"),
    }
}

/// The public half, as a key set lists it.
fn public(key: (Algorithm, &[u8]), kid: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&private(key), key.0).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn seconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

/// A token as the issuer makes it, with some claims replaced.
fn token(key: (Algorithm, &[u8]), kid: &str, claims: &Value) -> String {
    let mut header = Header::new(key.0);
    header.kid = Some(kid.to_owned());
    signed(&header, &private(key), claims)
}

fn signed(header: &Header, key: &EncodingKey, replaced: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": [AUDIENCE, "else"], "sub": "ada", "exp": seconds() + 600, "iat": seconds(),
        "channels": ["a"], "scope": "chat",
    });
    for (name, value) in replaced.as_object().unwrap() {
        claims[name] = value.clone();
    }
    jsonwebtoken::encode(header, &claims, key).unwrap()
}

/// The code that a hello with this token closes with; none if it is welcomed.
async fn refusal(gateway: &Running, token: &str) -> Option<u16> {
    gateway.refusal(token).await
}

async fn with_set(keys: Value) -> (Running, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("jwks.json");
    fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let flags = [
        "--jwks-file",
        file.to_str().unwrap(),
        "--jwt-issuer",
        ISSUER,
        "--jwt-audience",
        AUDIENCE,
    ];
    let gateway = Running::start_in(TempDir::new().unwrap(), &flags).await;
    (gateway, folder)
}

#[tokio::test]
async fn tokens_of_the_apps_issuer_are_accepted_by_its_keys_alone() {
    let keys = [(ES256, "1"), (EDDSA, "2"), (RS256, "3")];
    let listed = keys.map(|(key, kid)| public(key, kid));
    let (gateway, _folder) = with_set(json!(listed)).await;
    for (key, kid) in keys {
        let token = token(key, kid, &json!({}));
        assert_eq!(refusal(&gateway, &token).await, None, "{kid}");
    }
    // Those of the gateway are accepted as before.
    let own = gateway.token("ada", &["a"]).await;
    assert_eq!(refusal(&gateway, &own).await, None);

    let invalid = Some(CloseCode::TokenInvalid.code());
    for claims in [
        json!({"iss": "https://evil.example.com/"}),
        json!({"iss": null}),
        json!({"aud": "alo-chat"}),
        json!({"aud": null}),
        json!({"nbf": seconds() + 120}),
        json!({"exp": null}),
        json!({"sub": null}),
        json!({"channels": null}),
    ] {
        let token = token(EDDSA, "2", &claims);
        assert_eq!(refusal(&gateway, &token).await, invalid, "{claims}");
    }
    let over = token(EDDSA, "2", &json!({"exp": seconds() - 1}));
    assert_eq!(
        refusal(&gateway, &over).await,
        Some(CloseCode::TokenExpired.code())
    );
    // A key that is known, for a token of another; a key that is not known.
    for wrong in [
        token(ES256, "2", &json!({})),
        token(EDDSA, "1", &json!({})),
        token(EDDSA, "4", &json!({})),
    ] {
        assert_eq!(refusal(&gateway, &wrong).await, invalid);
    }
    let mut critical = Header::new(Algorithm::EdDSA);
    critical.kid = Some("2".into());
    critical.crit = Some(vec!["exp".into()]);
    let critical = signed(&critical, &private(EDDSA), &json!({}));
    assert_eq!(refusal(&gateway, &critical).await, invalid);
}

#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let rsa = public(RS256, "3");
    let (gateway, _folder) = with_set(json!([rsa, public(ES256, "1")])).await;
    // The attack: the public key, which everybody knows, as the secret of HS256.
    let modulus = rsa["n"].as_str().unwrap().as_bytes();
    for secret in [modulus, RS256.1, b""] {
        for kid in [Some("3"), Some("1"), None] {
            let mut header = Header::new(Algorithm::HS256);
            header.kid = kid.map(str::to_owned);
            let claims = json!({"aud": "alo-chat"});
            let forged = signed(&header, &EncodingKey::from_secret(secret), &claims);
            assert_eq!(
                refusal(&gateway, &forged).await,
                Some(CloseCode::TokenInvalid.code())
            );
        }
    }
}

/// An issuer on this machine, and what it answers.
#[derive(Clone)]
struct Server {
    url: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicU32>,
}

#[derive(Clone)]
enum Answer {
    Keys(Vec<Value>),
    Status(u16),
    Redirect(String),
    Garbage(usize),
    /// Nothing, ever.
    Silence,
}

impl Server {
    async fn start(answer: Answer) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let asked = Arc::new(AtomicU32::new(0));
        let (answers, counts) = (answer.clone(), asked.clone());
        let handler = move || {
            counts.fetch_add(1, Ordering::SeqCst);
            let answer = answers.lock().unwrap().clone();
            respond(answer)
        };
        let router = Router::new().route("/jwks.json", get(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, answer, asked }
    }

    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    async fn gateway(&self, gap: Duration) -> Running {
        let flags = [
            "--jwks-url",
            &self.url,
            "--jwt-issuer",
            ISSUER,
            "--jwt-audience",
            AUDIENCE,
        ];
        Running::start_with(TempDir::new().unwrap(), &flags, |config| {
            config.keys.pace.gap = gap;
        })
        .await
    }
}

async fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Keys(keys) => json!({"keys": keys}).to_string().into_response(),
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Answer::Garbage(bytes) => vec![b' '; bytes].into_response(),
        Answer::Silence => std::future::pending().await,
    }
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_loaded_when_a_token_names_it() {
    let issuer = Server::start(Answer::Keys(vec![public(ES256, "1")])).await;
    let gateway = issuer.gateway(Duration::from_millis(100)).await;
    let first = token(ES256, "1", &json!({}));
    eventually(async || refusal(&gateway, &first).await.is_none()).await;
    issuer.set(Answer::Keys(vec![public(ES256, "1"), public(EDDSA, "2")]));
    let second = token(EDDSA, "2", &json!({}));
    // Until it is there a client is asked to come back.
    assert_eq!(
        refusal(&gateway, &second).await,
        Some(CloseCode::Overloaded.code())
    );
    eventually(async || refusal(&gateway, &second).await.is_none()).await;
    assert_eq!(refusal(&gateway, &first).await, None);

    // One that the issuer does not have is refused once it was looked for.
    let unknown = token(EDDSA, "9", &json!({}));
    assert_eq!(
        refusal(&gateway, &unknown).await,
        Some(CloseCode::Overloaded.code())
    );
    let invalid = Some(CloseCode::TokenInvalid.code());
    eventually(async || refusal(&gateway, &unknown).await == invalid).await;
}

#[tokio::test]
async fn unknown_keys_do_not_make_the_gateway_ask_often() {
    let issuer = Server::start(Answer::Keys(vec![public(ES256, "1")])).await;
    let gateway = issuer.gateway(Duration::from_secs(60)).await;
    let good = token(ES256, "1", &json!({}));
    eventually(async || refusal(&gateway, &good).await.is_none()).await;
    for number in 0..300 {
        let forged = token(EDDSA, &format!("forged {number}"), &json!({}));
        let code = refusal(&gateway, &forged).await;
        let limit = if number < 256 {
            CloseCode::Overloaded
        } else {
            CloseCode::TokenInvalid
        };
        assert_eq!(code, Some(limit.code()), "{number}");
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(refusal(&gateway, &good).await, None);
}

#[tokio::test]
async fn an_issuer_that_fails_asks_clients_to_come_back_and_loses_no_key() {
    let elsewhere = Server::start(Answer::Keys(vec![public(ES256, "1")])).await;
    let issuer = Server::start(Answer::Status(500)).await;
    let gateway = issuer.gateway(Duration::from_millis(20)).await;
    let good = token(ES256, "1", &json!({}));
    let overloaded = Some(CloseCode::Overloaded.code());
    for answer in [
        Answer::Status(404),
        Answer::Garbage(10),
        Answer::Garbage(1 << 20),
        Answer::Keys(vec![]),
        Answer::Redirect(elsewhere.url.clone()),
    ] {
        issuer.set(answer);
        let before = issuer.asked();
        eventually(async || {
            assert_eq!(refusal(&gateway, &good).await, overloaded);
            issuer.asked() > before + 1
        })
        .await;
    }
    assert_eq!(elsewhere.asked(), 0, "a redirect was followed");
    issuer.set(Answer::Keys(vec![public(ES256, "1")]));
    eventually(async || refusal(&gateway, &good).await.is_none()).await;
    issuer.set(Answer::Silence);
    let unknown = token(EDDSA, "2", &json!({}));
    assert_eq!(refusal(&gateway, &unknown).await, overloaded);
    assert_eq!(refusal(&gateway, &good).await, None);
    // Over HTTP the answer is one to try again.
    let answer = gateway
        .http
        .get(gateway.url("/v1/files/00000000-0000-7000-8000-000000000000"))
        .bearer_auth(&unknown);
    let (status, code, _) = crate::support::error_of(answer.send().await.unwrap()).await;
    assert_eq!((status, &*code), (503, "unavailable"));
}

#[tokio::test]
async fn the_claims_of_an_issuers_token_are_its_rights() {
    let (gateway, _folder) = with_set(json!([public(EDDSA, "1")])).await;
    let mut socket = Socket::open(&gateway.endpoint).await;
    socket.hello(&token(EDDSA, "1", &json!({}))).await;
    let params = |channel: &str| json!({"channels": [{"id": channel}]});
    assert!(socket.call("subscribe", params("a")).await["result"].is_object());
    let refused = socket.call("subscribe", params("b")).await;
    assert_eq!(refused["error"]["code"], "channel-forbidden");
}
