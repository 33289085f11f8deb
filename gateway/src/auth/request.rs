//! Whether a token can be issued.

use alo_protocol::{AuthRequest, ErrorBody, ErrorCode};

/// Maximum number of channels of one token.
pub(super) const CHANNELS: usize = 1_000;
/// Maximum length of a user id, in characters.
const USER_ID_CHARS: usize = 128;

/// Whether `POST /v1/auth` can be granted.
///
/// # Errors
/// `invalid-argument`, naming the argument.
pub fn check_auth_request(request: &AuthRequest) -> Result<(), ErrorBody> {
    if !(1..=AuthRequest::MAX_TTL).contains(&request.ttl) {
        return Err(invalid(format!(
            "ttl: must be 1 to {} minutes",
            AuthRequest::MAX_TTL
        )));
    }
    check_user_id("user.id", &request.user.id)?;
    if request.channel_ids.is_empty() {
        return Err(invalid("channelIds: must name at least one channel"));
    }
    if request.channel_ids.len() > CHANNELS {
        return Err(invalid(format!(
            "channelIds: must name at most {CHANNELS} channels"
        )));
    }
    Ok(())
}

/// # Errors
/// `invalid-argument`, naming `argument`, unless `id` has 1 to 128 characters and no control characters.
pub fn check_user_id(argument: &str, id: &str) -> Result<(), ErrorBody> {
    if !(1..=USER_ID_CHARS).contains(&id.chars().count()) {
        return Err(invalid(format!(
            "{argument}: must have 1 to {USER_ID_CHARS} characters"
        )));
    }
    if id.chars().any(char::is_control) {
        return Err(invalid(format!(
            "{argument}: must not contain control characters"
        )));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use alo_protocol::AuthUser;

    use super::*;

    fn request(ttl: u32, user: &str, channels: &[&str]) -> AuthRequest {
        AuthRequest {
            ttl,
            user: AuthUser { id: user.into() },
            channel_ids: channels.iter().map(|id| id.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn wrong_auth_requests_name_the_argument() {
        assert!(check_auth_request(&request(1, "ada", &["a"])).is_ok());
        assert!(check_auth_request(&request(525_600, &"é".repeat(128), &["a"])).is_ok());
        for (wrong, argument) in [
            (request(0, "ada", &["a"]), "ttl"),
            (request(525_601, "ada", &["a"]), "ttl"),
            (request(1, "", &["a"]), "user.id"),
            (request(1, &"é".repeat(129), &["a"]), "user.id"),
            (request(1, "a\nb", &["a"]), "user.id"),
            (request(1, "ada", &[]), "channelIds"),
            (request(1, "ada", &["a"; 1_001]), "channelIds"),
        ] {
            let error = check_auth_request(&wrong).unwrap_err();
            assert!(error.message.starts_with(argument), "{}", error.message);
        }
    }
}
