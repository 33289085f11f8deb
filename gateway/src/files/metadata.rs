//! `Upload-Metadata`: a client's description of its file, all of it untrusted.

use alo_protocol::{ChannelId, ErrorBody, ErrorCode};
use base64::{Engine, engine::general_purpose::STANDARD};

/// Maximum length of a file name, bytes of UTF-8. Twice what file systems allow.
const NAME_BYTES: usize = 512;
const TYPE_BYTES: usize = 255;
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The file as its sender describes it.
#[derive(Debug, PartialEq)]
pub struct Metadata {
    /// The channel it is for.
    pub channel: ChannelId,
    /// Without control characters.
    pub name: String,
    /// Fit for a `Content-Type` header.
    pub content_type: String,
    /// Unix milliseconds.
    pub last_modified: i64,
}

impl Metadata {
    /// Reads the header: pairs of a key and a value in base64, separated by commas.
    ///
    /// # Errors
    /// `invalid-argument`, naming the header and the key.
    pub fn parse(header: &str) -> Result<Self, ErrorBody> {
        let (mut channel, mut name, mut content_type, mut last_modified) = (None, None, None, 0);
        for pair in header
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let value = STANDARD
                .decode(value.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let value = value.ok_or_else(|| wrong(key, "is not base64 of UTF-8"))?;
            match key {
                "channelId" => {
                    channel = Some(value.parse().map_err(|error| wrong(key, error))?);
                }
                "filename" => name = Some(value),
                "filetype" => content_type = Some(value),
                "lastModified" => {
                    last_modified = value
                        .parse()
                        .map_err(|_| wrong(key, "is not a whole number"))?;
                }
                // Clients may send more than is used here.
                _ => {}
            }
        }
        Ok(Self {
            channel: channel.ok_or_else(|| wrong("channelId", "is missing"))?,
            name: file_name(name.ok_or_else(|| wrong("filename", "is missing"))?)?,
            content_type: content_type
                .filter(|text| is_media_type(text))
                .unwrap_or_else(|| UNKNOWN_TYPE.into()),
            last_modified,
        })
    }
}

/// A name is kept as it is, in any script, except for control characters, which no file system or header
/// accepts.
fn file_name(name: String) -> Result<String, ErrorBody> {
    if name.len() > NAME_BYTES {
        return Err(wrong(
            "filename",
            format!("is longer than {NAME_BYTES} bytes"),
        ));
    }
    Ok(name.replace(char::is_control, "\u{fffd}"))
}

/// Whether a text is valid in a `Content-Type` header: `type/subtype`, with parameters or without.
fn is_media_type(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    text.len() <= TYPE_BYTES
        && essence
            .trim()
            .split_once('/')
            .is_some_and(|(kind, subtype)| word(kind) && word(subtype))
        && parameters.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn wrong(key: &str, why: impl std::fmt::Display) -> ErrorBody {
    ErrorBody::new(
        ErrorCode::InvalidArgument,
        format!("Upload-Metadata: {key} {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pairs: &[(&str, &str)]) -> String {
        pairs
            .iter()
            .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
            .collect::<Vec<_>>()
            .join(",")
    }

    #[test]
    fn names_in_any_script_are_kept() {
        let name = "отчёт 报告 🚀 \"x\".pdf";
        let text = header(&[
            ("filename", name),
            ("filetype", "application/pdf"),
            ("channelId", "канал"),
            ("lastModified", "-5"),
            ("more", "x"),
        ]);
        let metadata = Metadata::parse(&text).unwrap();
        assert_eq!(metadata.name, name);
        assert_eq!(
            (metadata.channel.as_str(), metadata.last_modified),
            ("канал", -5)
        );
        assert_eq!(metadata.content_type, "application/pdf");
    }

    #[test]
    fn what_is_harmful_in_a_header_is_not_kept() {
        let text = header(&[
            ("filename", "a\r\nb\0"),
            ("filetype", "text/html\r\nx: y"),
            ("channelId", "a"),
        ]);
        let metadata = Metadata::parse(&text).unwrap();
        assert_eq!(metadata.name, "a\u{fffd}\u{fffd}b\u{fffd}");
        assert_eq!(metadata.content_type, UNKNOWN_TYPE);
        for not_a_type in ["", "x", "/", "a/", "a/b/c", "a b/c", "é/x"] {
            assert!(!is_media_type(not_a_type), "{not_a_type}");
        }
        assert!(is_media_type("text/plain; charset=utf-8"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, key) in [
            (header(&[("filename", "a")]), "channelId is missing"),
            (header(&[("channelId", "a")]), "filename is missing"),
            (header(&[("channelId", "")]), "channelId must not be empty"),
            ("channelId !!".to_owned(), "channelId is not base64"),
            (
                header(&[("channelId", "a"), ("filename", &"x".repeat(513))]),
                "filename is longer",
            ),
            (header(&[("lastModified", "soon")]), "lastModified is not"),
        ] {
            let error = Metadata::parse(&text).unwrap_err();
            assert!(error.message.contains(key), "{}", error.message);
        }
    }
}
