//! Which pages may connect to the gateway.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

/// How long a refused origin is not logged again, milliseconds.
const QUIET_MS: u64 = 60_000;
/// Refused origins that are told apart; further ones are logged as one.
const REFUSED_ORIGINS: usize = 256;
/// What further ones are logged as.
const OTHERS: &str = "(others)";
/// A longer origin is no one's, and is logged as one of the others.
const ORIGIN_BYTES: usize = 256;

/// The allow-list of origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Pages served from this machine, at any port: for development.
    Loopback,
    /// All pages.
    Any,
    /// These, as browsers send them: `https://chat.example.com`.
    List(Vec<String>),
}

/// A value of `--allow-origin` that no browser ever sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--allow-origin {value:?}: {remedy}")]
pub struct OriginError {
    value: String,
    remedy: String,
}

impl Origins {
    /// Reads the values of `--allow-origin`; none means [`Origins::Loopback`].
    ///
    /// # Errors
    /// When a value can never match, with what to write in its place.
    pub fn new(values: &[String]) -> Result<Self, OriginError> {
        for value in values {
            check(value).map_err(|remedy| OriginError {
                value: value.clone(),
                remedy,
            })?;
        }
        Ok(if values.is_empty() {
            Self::Loopback
        } else if values.iter().any(|value| value == "*") {
            Self::Any
        } else {
            Self::List(values.to_vec())
        })
    }

    /// Whether a page of this origin may connect to the gateway.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::List(list) => list.iter().any(|allowed| allowed == origin),
            Self::Loopback => is_loopback(origin),
        }
    }

    /// The same for a request; one without an `Origin` header does not come from a page.
    pub fn allows_request(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::ORIGIN)
            .is_none_or(|origin| self.allows(origin))
    }
}

/// Which refused origins were logged lately.
#[derive(Debug, Default)]
pub struct RefusedOrigins(Mutex<HashMap<String, u64>>);

impl RefusedOrigins {
    /// What to log about an origin refused now; nothing if it was logged within a minute.
    pub fn to_log<'a>(&self, origin: &'a HeaderValue, now_ms: u64) -> Option<&'a str> {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_quiet = |at: &u64| now_ms < at.saturating_add(QUIET_MS);
        let mut name = origin
            .to_str()
            .ok()
            .filter(|origin| origin.len() <= ORIGIN_BYTES)
            .unwrap_or(OTHERS);
        if logged.get(name).is_some_and(is_quiet) {
            return None;
        }
        if logged.len() >= REFUSED_ORIGINS {
            logged.retain(|_, at| is_quiet(at));
        }
        if logged.len() >= REFUSED_ORIGINS {
            name = OTHERS;
            if logged.get(name).is_some_and(is_quiet) {
                return None;
            }
        }
        logged.insert(name.to_owned(), now_ms);
        Some(name)
    }
}

/// Whether a browser can send this as `Origin`; the error is what to write in its place.
fn check(value: &str) -> Result<(), String> {
    let write = |what: &str| Err(format!("write {what:?}, as browsers send it"));
    if value.is_empty() {
        return Err("is empty; leave it out to allow pages of this machine".into());
    }
    // What browsers send for pages of files, of sandboxed frames, and of Electron's files.
    if matches!(value, "*" | "null" | "file://") {
        return Ok(());
    }
    if value.contains('*') {
        return Err("wildcards are not known; name each origin, or * alone to allow all".into());
    }
    let Some((scheme, host)) = value.split_once("://") else {
        return Err(format!("has no scheme; write \"https://{value}\""));
    };
    match scheme.trim().to_ascii_lowercase().as_str() {
        "http" | "https" => match Url::parse(value).map(|url| url.origin().ascii_serialization()) {
            Ok(sent) if sent == value => Ok(()),
            Ok(sent) => write(&sent),
            Err(error) => Err(format!("is no address: {error}")),
        },
        "ws" => write(&format!("http://{host}")),
        "wss" => write(&format!("https://{host}")),
        "file" => write("file://"),
        // Apps' own schemes, such as `app://localhost` or `capacitor://localhost`.
        _ => {
            let end = host.find(['/', '?', '#']).unwrap_or(host.len());
            let sent = format!("{}://{}", scheme.to_ascii_lowercase(), &host[..end]);
            match Url::parse(value) {
                Ok(_) if sent == value && end > 0 => Ok(()),
                Ok(_) if end > 0 => write(&sent),
                Ok(_) => Err("has no host".into()),
                Err(error) => Err(format!("is no address: {error}")),
            }
        }
    }
}

fn is_loopback(origin: &str) -> bool {
    let Some(rest) = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
    else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (rest, None),
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok());
    port_is_fine && matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_means_this_machine_only() {
        let origins = Origins::new(&[]).unwrap();
        for good in [
            "http://localhost",
            "http://localhost:5173",
            "https://127.0.0.1:1",
            "http://[::1]:80",
            "http://[::1]",
        ] {
            assert!(origins.allows(&HeaderValue::from_static(good)), "{good}");
        }
        for bad in [
            "null",
            "",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example:80",
            "http://evil.example",
            "file://localhost",
            "http://localhost:x",
            "http://localhost:80.evil.example",
        ] {
            assert!(!origins.allows(&HeaderValue::from_static(bad)), "{bad}");
        }
    }

    #[test]
    fn a_list_is_taken_by_the_letter() {
        let origins = Origins::new(&["https://a.example".into()]).unwrap();
        assert!(origins.allows(&HeaderValue::from_static("https://a.example")));
        assert!(!origins.allows(&HeaderValue::from_static("http://a.example")));
        assert!(!origins.allows(&HeaderValue::from_static("https://b.a.example")));
    }

    #[test]
    fn what_browsers_send_can_be_allowed() {
        for good in [
            "https://chat.example.com",
            "http://localhost:5173",
            "http://[::1]:8080",
            "https://xn--mnchen-3ya.example",
            "null",
            "file://",
            "app://localhost",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
        ] {
            let origins = Origins::new(&[good.into()]).unwrap();
            assert!(origins.allows(&HeaderValue::from_str(good).unwrap()));
            assert!(!origins.allows(&HeaderValue::from_static("https://evil.example")));
        }
        let any = Origins::new(&["https://a.example".into(), "*".into()]).unwrap();
        assert_eq!(any, Origins::Any);
    }

    #[test]
    fn origins_that_can_never_match_are_refused_with_the_remedy() {
        for (bad, remedy) in [
            ("", "empty"),
            ("chat.example.com", "\"https://chat.example.com\""),
            ("localhost:5173", "\"https://localhost:5173\""),
            ("https://chat.example.com/", "\"https://chat.example.com\""),
            (
                "https://chat.example.com/app",
                "\"https://chat.example.com\"",
            ),
            ("https://chat.example.com?a", "\"https://chat.example.com\""),
            ("https://Chat.Example.com", "\"https://chat.example.com\""),
            ("HTTPS://chat.example.com", "\"https://chat.example.com\""),
            (
                "https://chat.example.com:443",
                "\"https://chat.example.com\"",
            ),
            ("http://chat.example.com:80", "\"http://chat.example.com\""),
            (
                "https://münchen.example",
                "\"https://xn--mnchen-3ya.example\"",
            ),
            (
                "https://ada@chat.example.com",
                "\"https://chat.example.com\"",
            ),
            (" https://chat.example.com", "\"https://chat.example.com\""),
            ("https://*.example.com", "wildcards"),
            ("https://chat.example.*", "wildcards"),
            ("https://", "no address"),
            ("https://a b.example", "no address"),
            ("wss://chat.example.com", "\"https://chat.example.com\""),
            ("file:///home/ada", "\"file://\""),
            ("app://localhost/", "\"app://localhost\""),
            ("App://localhost", "\"app://localhost\""),
            ("app://", "no host"),
            ("NULL", "no scheme"),
        ] {
            let error = Origins::new(&["https://a.example".into(), bad.into()]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("--allow-origin {bad:?}: ")),
                "{text}"
            );
            assert!(text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn a_refused_origin_is_logged_once_a_minute_and_the_table_is_bounded() {
        let refused = RefusedOrigins::default();
        let evil = HeaderValue::from_static("https://evil.example");
        assert_eq!(refused.to_log(&evil, 1_000), Some("https://evil.example"));
        assert_eq!(refused.to_log(&evil, 60_999), None);
        assert_eq!(refused.to_log(&evil, 61_000), Some("https://evil.example"));

        let origin = |number: usize| HeaderValue::from_str(&format!("https://{number}")).unwrap();
        let mut lines = 0;
        for number in 0..10 * REFUSED_ORIGINS {
            lines += usize::from(refused.to_log(&origin(number), 61_001).is_some());
        }
        assert_eq!(lines, REFUSED_ORIGINS, "the last line is for all others");
        assert!(refused.0.lock().unwrap().len() <= REFUSED_ORIGINS + 1);
        assert_eq!(refused.to_log(&origin(999), 61_002), None);
        // A minute later there is room again.
        assert!(refused.to_log(&origin(999), 121_002).is_some());
        let long = HeaderValue::from_str(&"x".repeat(60_000)).unwrap();
        assert_eq!(RefusedOrigins::default().to_log(&long, 0), Some(OTHERS));
    }
}
