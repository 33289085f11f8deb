//! `Upload-Checksum`: the digest of one request's bytes.

use alo_protocol::{ErrorBody, ErrorCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::digest::{Digest, DynDigest};

/// A digest being computed, and the expected one.
pub(crate) struct Checksum {
    hasher: Box<dyn DynDigest + Send>,
    expected: Vec<u8>,
}

impl Checksum {
    /// Reads the header: the algorithm and the digest in base64.
    ///
    /// # Errors
    /// `invalid-argument` naming the header.
    pub(crate) fn parse(header: &str) -> Result<Self, ErrorBody> {
        let wrong = |why| {
            ErrorBody::new(
                ErrorCode::InvalidArgument,
                format!("Upload-Checksum: {why}"),
            )
        };
        let (algorithm, digest) = header
            .split_once(' ')
            .ok_or_else(|| wrong("must be an algorithm and a digest"))?;
        let hasher: Box<dyn DynDigest + Send> = match algorithm {
            "sha1" => Box::new(sha1::Sha1::new()),
            "sha256" => Box::new(sha2::Sha256::new()),
            _ => return Err(wrong("the algorithm must be sha1 or sha256")),
        };
        let expected = STANDARD
            .decode(digest.trim())
            .map_err(|_| wrong("the digest must be base64"))?;
        if expected.len() != hasher.output_size() {
            return Err(wrong("the digest has the wrong length"));
        }
        Ok(Self { hasher, expected })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// # Errors
    /// `checksum-mismatch`.
    pub(crate) fn check(self) -> Result<(), ErrorBody> {
        if *self.hasher.finalize() == *self.expected {
            Ok(())
        } else {
            Err(ErrorBody::new(
                ErrorCode::ChecksumMismatch,
                "Upload-Checksum: the bytes received do not match it",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_compared() {
        let header = format!("sha256 {}", STANDARD.encode(sha2::Sha256::digest(b"hello")));
        let mut right = Checksum::parse(&header).unwrap();
        right.update(b"hel");
        right.update(b"lo");
        assert!(right.check().is_ok());
        let mut wrong = Checksum::parse(&header).unwrap();
        wrong.update(b"hell0");
        assert_eq!(wrong.check().unwrap_err().code, ErrorCode::ChecksumMismatch);
    }

    #[test]
    fn headers_that_mean_nothing_are_refused() {
        for header in [
            "",
            "sha1",
            "md5 1B2M2Y8AsgTpgAmY7PhCfg==",
            "sha1 ****",
            "sha256 AAAA",
        ] {
            assert!(Checksum::parse(header).is_err(), "{header}");
        }
    }
}
