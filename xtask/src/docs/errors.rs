//! docs/errors.md: error codes and close codes.

use std::fmt::Write;

use alo_protocol::{Cause, CloseCode, ErrorCode, Reconnect};

/// The entire document.
pub fn text() -> String {
    let mut text = String::from(
        "<!-- Generated from the code by `cargo xtask docs`; changes made here are lost. -->\n\
         # Errors\n\n\
         A call that failed resolves with `status.error === true` and `status.errorData`: `code` is \
         one of the codes below and never changes its meaning, `statusCode` and `retryable` depend on \
         it, and `message` names what was wrong, for people. The bodies of failed HTTP requests \
         carry the same `status`.\n\n\
         ## Codes\n\n\
         | code | status | retryable | meaning |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let retryable = if code.retryable() { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {retryable} | {} |",
            code.as_str(),
            code.status(),
            code.meaning()
        );
    }
    text.push_str(
        "\nRetryable: the same call may succeed later, unchanged.\n\n\
         ## Close codes of the event socket\n\n\
         The close reason is the name. The SDK handles these automatically.\n\n\
         | code | name | meaning | the client |\n|---|---|---|---|\n",
    );
    for code in CloseCode::ALL {
        let then = match CloseCode::reconnect_after(code.code()) {
            Reconnect::Retry => "reconnects after a backoff",
            Reconnect::WithNewToken => "reconnects with a new token; without one, stops",
            Reconnect::Never => "stops",
        };
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {then} |",
            code.code(),
            code.as_str(),
            close_meaning(code)
        );
    }
    text.push_str(
        "\n## Causes of a reconnect\n\n\
         `status.reconnecting` has a `cause` with one of these codes and a message for people, as far as a browser \
         tells them apart. After three failures in a row it has a `hint` as well; what it names is in \
         [connecting.md](connecting.md).\n\n\
         | code | meaning |\n|---|---|\n",
    );
    for cause in Cause::ALL {
        let _ = writeln!(text, "| `{}` | {} |", cause.as_str(), cause_meaning(cause));
    }
    text
}

fn cause_meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::Offline => "The browser is offline.",
        Cause::Blocked => "The page's Content-Security-Policy forbids the gateway's address.",
        Cause::NotOpened => {
            "The socket could not be opened: nothing listens at the address, or a proxy or firewall refused. Browsers \
             do not say which."
        }
        Cause::Refused => {
            "The socket was closed before the gateway's welcome; the message has the close code."
        }
        Cause::Lost => "The socket was closed after the welcome; the message has the close code.",
        Cause::TimedOut => "The gateway did not answer in time.",
        Cause::EventsMissing => "An event is missing; it is replayed after the reconnect.",
        Cause::TokenUnavailable => "The `authToken` function failed; the message says how.",
    }
}

fn close_meaning(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Shutdown => {
            "The gateway is shutting down; it or another one will be available soon."
        }
        CloseCode::MalformedFrame => "A frame did not follow the protocol.",
        CloseCode::TokenInvalid => "The token's signature, format or audience is wrong.",
        CloseCode::TokenExpired => "The token has expired.",
        CloseCode::OriginForbidden => {
            "The page's origin is not on the allow-list: start the gateway with `--allow-origin`."
        }
        CloseCode::TokenRevoked => "The token was revoked; one issued later may be accepted.",
        CloseCode::Overloaded => {
            "The gateway has no room for the connection, or has not loaded the keys that tokens are signed with."
        }
        CloseCode::HelloTimeout => "No `hello` was received within ten seconds.",
        CloseCode::BinaryFrame => "A binary frame was received; frames must be text.",
        CloseCode::FrameTooLarge => "A frame was larger than `limits.frameBytes`.",
        CloseCode::IdleTimeout => "No frame was received for 130 seconds.",
        CloseCode::Recover => "The client read nothing for 30 seconds; it resumes from its cursor.",
        CloseCode::Flood => {
            "Far more requests than `limits.requestsInFlight` were unanswered, or were sent although they were \
             refused."
        }
        CloseCode::TooManyConnections => {
            "The user, or the address, has too many connections or opens them too often."
        }
        CloseCode::Internal => "The gateway failed; the cause is in its log.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_document_once() {
        let text = text();
        // Those of causes have a table of their own.
        let (codes, _) = text.split_once("\n## Causes").unwrap();
        for name in ErrorCode::ALL.iter().map(|code| code.as_str()) {
            let rows = codes
                .lines()
                .filter(|line| line.starts_with(&format!("| `{name}` |")));
            assert_eq!(rows.count(), 1, "{name}");
        }
        for code in CloseCode::ALL {
            assert!(text.contains(&format!("| {} | `{}` |", code.code(), code.as_str())));
        }
    }
}
