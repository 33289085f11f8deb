//! `cargo xtask docs`: documentation generated from the code, and whether it has drifted.

use std::{fmt::Write, fs, path::PathBuf};

use alo_protocol::{CloseCode, ErrorCode, Reconnect};
use anyhow::{Context, Result, bail};

use crate::workspace;

/// Writes docs/errors.md.
pub fn run() -> Result<()> {
    let path = errors_path();
    fs::write(&path, errors()).with_context(|| format!("writing {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Fails if docs/errors.md is not what [`run`] would write.
pub fn check_errors() -> Result<()> {
    let path = errors_path();
    let written =
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    if written != errors() {
        bail!("docs/errors.md is out of date; `cargo xtask docs` writes it anew");
    }
    Ok(())
}

/// Fails if the union `ErrorCode` of the TypeScript types does not name the codes of the protocol.
pub fn check_types() -> Result<()> {
    let path = workspace::root().join("pkg-template/index.d.ts");
    let types = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let typed = codes_in_types(&types).context("index.d.ts has no `export type ErrorCode = …;`")?;
    let known: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let missing: Vec<_> = known.iter().filter(|code| !typed.contains(code)).collect();
    let unknown: Vec<_> = typed.iter().filter(|code| !known.contains(code)).collect();
    if !missing.is_empty() || !unknown.is_empty() {
        bail!(
            "index.d.ts: ErrorCode lacks {missing:?} and names {unknown:?}, which the protocol has not"
        );
    }
    Ok(())
}

fn errors_path() -> PathBuf {
    workspace::root().join("docs/errors.md")
}

fn errors() -> String {
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

fn codes_in_types(types: &str) -> Option<Vec<&str>> {
    let (_, union) = types.split_once("export type ErrorCode =")?;
    let (union, _) = union.split_once(';')?;
    Some(union.split('"').skip(1).step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_is_read_from_the_types() {
        let types =
            "x;\nexport type ErrorCode =\n  | \"a-b\" | \"c\"\n  | \"d\";\nexport type Z = \"no\";";
        assert_eq!(codes_in_types(types), Some(vec!["a-b", "c", "d"]));
        assert_eq!(codes_in_types("export type Other = 1;"), None);
    }

    #[test]
    fn every_code_stands_in_the_document_once() {
        let text = errors();
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
