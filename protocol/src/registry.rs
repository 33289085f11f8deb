//! Every method and event of the protocol. The decoding of requests, the tables of docs/protocol.md and the
//! check of the TypeScript types are generated from these rows.

/// How the client delivers a method's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A command with an idempotency key: kept in order, sent again with the same key until it is answered.
    Once,
    /// A query: sent again after a reconnect until it is answered or aborted.
    Retry,
    /// Only useful now: dropped when offline.
    Now,
}

impl Lane {
    /// The name in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Retry => "retry",
            Self::Now => "now",
        }
    }
}

/// A method of the event socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The name on the wire.
    pub name: &'static str,
    /// The feature it belongs to; its files have that name on every layer.
    pub feature: &'static str,
    /// How the client delivers it.
    pub lane: Lane,
    /// What it does, in a sentence.
    pub meaning: &'static str,
}

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An event of a log: numbered, kept, replayed.
    Log,
    /// Sent to whoever is subscribed at the moment; not numbered, not kept, and dropped for who is behind.
    Signal,
    /// The SDK reports it; it is never on the wire.
    Local,
}

/// An event, as a listener receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The type.
    pub name: &'static str,
    /// Where it comes from.
    pub kind: EventKind,
    /// When it fires, in a sentence.
    pub meaning: &'static str,
}

macro_rules! methods {
    ($($variant:ident $name:literal $feature:literal $lane:ident $params:path => $result:path, $meaning:literal)*) => {
        /// Every method.
        pub const METHODS: &[Method] = &[$(Method {
            name: $name,
            feature: $feature,
            lane: Lane::$lane,
            meaning: $meaning,
        }),*];

        /// A decoded request.
        #[cfg(feature = "json")]
        #[derive(Clone, Debug)]
        pub enum Request {
            $(#[doc = $meaning] $variant($params),)*
        }

        #[cfg(feature = "json")]
        impl Request {
            /// Reads the parameters of a method.
            pub(crate) fn decode(
                method: Option<&str>,
                params: Option<&serde_json::value::RawValue>,
            ) -> Result<Self, crate::ErrorBody> {
                let params = params.map_or("{}", serde_json::value::RawValue::get);
                match method {
                    $(Some($name) => serde_json::from_str(params).map(Self::$variant).map_err(wrong_params),)*
                    Some(other) => Err(crate::ErrorBody::new(
                        crate::ErrorCode::UnknownMethod,
                        format!("method: there is no method {other:?}"),
                    )),
                    None => Err(crate::ErrorBody::new(
                        crate::ErrorCode::InvalidArgument,
                        "method: is missing",
                    )),
                }
            }

            /// The method.
            pub fn method(&self) -> &'static Method {
                let name = match self {
                    $(Self::$variant(_) => $name,)*
                };
                // The same rows make both.
                METHODS.iter().find(|method| method.name == name).expect("every request has a method")
            }
        }

        /// Examples of the parameters and the result of each method, for documentation and type checks.
        #[cfg(feature = "samples")]
        pub fn method_samples() -> Vec<(&'static Method, [crate::samples::Samples; 2])> {
            METHODS
                .iter()
                .zip([$([crate::samples::Samples::of::<$params>(), crate::samples::Samples::of::<$result>()]),*])
                .collect()
        }
    };
}

macro_rules! events {
    ($($name:literal $kind:ident $meaning:literal)*) => {
        /// Every event.
        pub const EVENTS: &[Event] = &[$(Event {
            name: $name,
            kind: EventKind::$kind,
            meaning: $meaning,
        }),*];
    };
}

methods! {
    Subscribe "subscribe" "subscribe" Retry crate::Subscribe => crate::Subscribed,
        "Subscribes to channels, all or none."
    Resume "resume" "subscribe" Retry crate::Resume => crate::Subscribed,
        "Continues the subscriptions of an earlier connection, each for itself."
    Unsubscribe "unsubscribe" "subscribe" Retry crate::Unsubscribe => crate::Empty,
        "Unsubscribes from channels; unknown ones are no error."
    SendMessage "message.send" "send" Once crate::SendMessage => crate::Sent,
        "Stores a message; answered when it is stored durably."
    History "history" "history" Retry crate::History => crate::HistoryPage,
        "Loads a page of a channel's messages, newest to oldest."
    HistoryAround "history.around" "history" Retry crate::HistoryAround => crate::HistoryPage,
        "Loads a message with the messages before and after it."
    MessageCounts "counts" "counts" Retry crate::MessageCounts => crate::Counts,
        "Counts the messages sent to channels since a time."
    MarkRead "read.mark" "reads" Retry crate::MarkRead => crate::ReadUpdated,
        "Marks a channel as read up to a message; an earlier one changes nothing."
    Reads "reads" "reads" Retry crate::Reads => crate::ReadCounts,
        "Counts what the user has not read, channel by channel."
    AuthRefresh "auth.refresh" "auth" Now crate::AuthRefresh => crate::AuthRefreshed,
        "Replaces the connection's token with a newer one of the same user."
    StartTyping "typing.start" "typing" Now crate::StartTyping => crate::Empty,
        "The user types, and goes on for some seconds."
    StopTyping "typing.stop" "typing" Now crate::StopTyping => crate::Empty,
        "The user does not type any more."
}

events! {
    "message.new" Log "A message was sent to a subscribed channel."
    "message.deleted" Log "A message of a subscribed channel was deleted; a replay also has it in the place of the message."
    "read.updated" Log "The user has read a channel further, on whichever device; an event of the user's own log."
    "typing.start" Signal "Somebody types in a subscribed channel, or goes on: for ten seconds, unless it is repeated."
    "typing.stop" Signal "Somebody has stopped typing."
    "status.connected" Local "The connection is established."
    "status.disconnected" Local "The connection was lost, or `disconnect()` was called."
    "status.reconnecting" Local "A lost connection is tried again after a delay."
    "status.failed" Local "The SDK has stopped because of an unrecoverable error."
    "channel.gap" Local "Events of a channel could not be recovered without gaps."
    "file.upload.progress" Local "Part of a file was uploaded."
    "file.upload.complete" Local "A file was uploaded."
    "file.upload.error" Local "A file could not be uploaded."
    "outbox.restored" Local "A message that an earlier page left unsent is being sent."
    "outbox.warning" Local "Unsent messages are kept in memory only, as storage is unavailable."
}

#[cfg(feature = "json")]
#[expect(clippy::needless_pass_by_value, reason = "map_err passes a value")]
fn wrong_params(error: serde_json::Error) -> crate::ErrorBody {
    crate::ErrorBody::new(
        crate::ErrorCode::InvalidArgument,
        format!("params: {error}"),
    )
}
