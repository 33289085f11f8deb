//! What users do: a file for each feature, with the user's actions, the feature's part of the model, and the
//! checks of it.

pub(crate) mod access;
pub(crate) mod auth;
pub(crate) mod counts;
pub(crate) mod delete;
pub(crate) mod history;
pub(crate) mod reads;
pub(crate) mod send;
pub(crate) mod subscribe;
