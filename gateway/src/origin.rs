//! Which pages may connect to the gateway.

use axum::http::{HeaderMap, HeaderValue, header};

/// The allow-list of origins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Pages served from this machine, at any port: for development.
    Loopback,
    /// All pages.
    Any,
    /// These, as `https://chat.example.com`.
    List(Vec<String>),
}

impl Origins {
    /// Reads the values of `--allow-origin`; none means [`Origins::Loopback`].
    pub fn new(values: &[String]) -> Self {
        if values.is_empty() {
            Self::Loopback
        } else if values.iter().any(|value| value == "*") {
            Self::Any
        } else {
            Self::List(
                values
                    .iter()
                    .map(|value| value.trim_end_matches('/').to_owned())
                    .collect(),
            )
        }
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
        let origins = Origins::new(&[]);
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
        let origins = Origins::new(&["https://a.example/".into()]);
        assert!(origins.allows(&HeaderValue::from_static("https://a.example")));
        assert!(!origins.allows(&HeaderValue::from_static("http://a.example")));
        assert!(!origins.allows(&HeaderValue::from_static("https://b.a.example")));
    }
}
