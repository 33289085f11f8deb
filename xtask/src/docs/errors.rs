//! docs/errors.md: error codes and close codes.

use std::fmt::Write;

use alo_protocol::{CloseCode, ErrorCode, Reconnect};

/// The whole document.
pub fn text() -> String {
    let mut text = String::from(
        "<!-- Generated from the code by `cargo xtask docs`; a change here is lost. -->\n\
         # Errors\n\n\
         A call that failed resolves with `status.error === true` and `status.errorData`: `code` is \
         one of the codes below and never changes its meaning, `statusCode` and `retryable` go with \
         it, `message` is for people and names what was wrong. The bodies of failed HTTP requests \
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
        "\nRetryable: the same call may succeed later without a change.\n\n\
         ## Close codes of the event socket\n\n\
         The close reason is the name. The SDK acts on these by itself.\n\n\
         | code | name | meaning | the client then |\n|---|---|---|---|\n",
    );
    for code in CloseCode::ALL {
        let then = match CloseCode::reconnect_after(code.code()) {
            Reconnect::Retry => "connects again after a backoff",
            Reconnect::WithNewToken => "connects again with a new token; without one, stops",
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
    text
}

fn close_meaning(code: CloseCode) -> &'static str {
    match code {
        CloseCode::Shutdown => "The gateway stops; another one or the same will answer soon.",
        CloseCode::MalformedFrame => "A frame was not what the protocol says.",
        CloseCode::TokenInvalid => "The token's signature, shape or audience is wrong.",
        CloseCode::TokenExpired => "The token's time is over.",
        CloseCode::HelloTimeout => "No `hello` came within ten seconds.",
        CloseCode::BinaryFrame => "Frames are text; a binary one came.",
        CloseCode::FrameTooLarge => "A frame was larger than `limits.frameBytes`.",
        CloseCode::IdleTimeout => "Nothing was heard for the idle time.",
        CloseCode::Recover => "The reader took nothing for too long; it resumes from its cursor.",
        CloseCode::Flood => "Far more requests than `limits.requestsInFlight` went unanswered.",
        CloseCode::Internal => "The gateway failed; the cause is in its log.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_document_once() {
        let text = text();
        for name in ErrorCode::ALL.iter().map(|code| code.as_str()) {
            let rows = text
                .lines()
                .filter(|line| line.starts_with(&format!("| `{name}` |")));
            assert_eq!(rows.count(), 1, "{name}");
        }
        for code in CloseCode::ALL {
            assert!(text.contains(&format!("| {} | `{}` |", code.code(), code.as_str())));
        }
    }
}
