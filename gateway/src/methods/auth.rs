//! `auth.refresh`.

use alo_protocol::{AuthRefresh, ErrorBody, ErrorCode};

use super::{Asked, Step};

/// A newer token of the same user.
pub(super) fn refresh(asked: &Asked<'_>, params: &AuthRefresh) -> Result<Step, ErrorBody> {
    let identity = asked.tokens.verify(&params.token, asked.now_ms)?;
    if identity.user_id != asked.identity.user_id {
        return Err(ErrorBody::new(
            ErrorCode::TokenInvalid,
            "token: belongs to another user",
        ));
    }
    Ok(Step::Identify(identity))
}
