//! Inputs and outputs of the core. `P` is a payload the core never reads.

use alo_protocol::{Cause, ChannelId, Cursor, GapReason, Limits, Uuid};

use super::{Error, Instant};

/// A call of the user, answered by exactly one [`Output::Settle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// One event socket. What an older one still reports is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(pub u32);

/// One HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HttpId(pub u32);

/// One file being uploaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub u32);

/// What happened.
#[derive(Debug)]
pub enum Input<'a, P> {
    /// `connect()`
    Connect(CallId),
    /// `disconnect()`
    Disconnect(CallId),
    /// `subscribe()`; each channel once.
    Subscribe(CallId, Vec<ChannelId>),
    /// `unsubscribe()`; each channel once.
    Unsubscribe(CallId, Vec<ChannelId>),
    /// Any other method of the protocol.
    Request(CallId, Request<P>),
    /// A call needs the token (a download); it settles with [`Settled::Token`].
    Token {
        /// The call.
        call: CallId,
        /// The token that was refused at the last attempt, if any.
        refused: Option<String>,
    },
    /// The call's signal was aborted.
    Abort(CallId),
    /// Answer to [`Storage::Restore`]: what earlier pages of this user have left unsent, in order, each with
    /// the call that represents it now.
    Restored(Vec<(CallId, Kept<P>)>),
    /// Answer to [`Output::FetchToken`]; the error is the reason in words.
    TokenFetched(Result<String, String>),
    /// The socket is open.
    SocketOpened(SocketId),
    /// A frame, or one item of a frame with several.
    Received(SocketId, Incoming<'a, P>),
    /// The socket is closed, for any reason.
    SocketClosed(SocketId, u16),
    /// Answer to [`Output::Http`]; without a reply the network failed.
    HttpDone(HttpId, Option<HttpReply>),
    /// The network came back, the page was shown or the machine woke: retry at once what waits.
    Wake,
    /// [`super::Client::next_timeout`] has come.
    Timeout,
}

/// What the shell must do.
#[derive(Debug, PartialEq)]
pub enum Output<P> {
    /// Open a socket.
    OpenSocket(SocketId),
    /// Close a socket; nothing more is expected from it.
    CloseSocket(SocketId),
    /// Send a frame; [`super::codec::encode`] makes its text.
    SendFrame(SocketId, Frame<P>),
    /// Fetch a token.
    FetchToken,
    /// Make an HTTP request for an upload.
    Http {
        /// Returned with the answer.
        id: HttpId,
        /// The upload.
        upload: UploadId,
        /// For the `Authorization` header.
        token: String,
        /// The request.
        request: HttpRequest,
    },
    /// Cancel an HTTP request; no answer is expected.
    CancelHttp(HttpId),
    /// Settle a call.
    Settle(CallId, Result<Settled<P>, Error>),
    /// Emit an event to the listeners.
    Emit(Event<P>),
    /// The file is no longer needed.
    ReleaseUpload(UploadId),
    /// An operation for storage; only with [`super::Config::outbox_kept`].
    Storage(Storage<P>),
}

/// What storage does with unsent messages.
#[derive(Debug, PartialEq)]
pub enum Storage<P> {
    /// Keep this command after the page is closed.
    Keep(Kept<P>),
    /// Keep this about a file of a kept message, in place of what was kept about it.
    KeepUpload {
        /// The file.
        upload: UploadId,
        /// Idempotency key of the upload.
        key: Uuid,
        /// The upload's location.
        location: Option<String>,
    },
    /// The command with this key is settled: remove it.
    Forget(Uuid),
    /// Load what earlier pages of this user have left unsent; the answer is [`Input::Restored`].
    Restore {
        /// The user's id from the welcome.
        user: String,
    },
}

/// What a call resolves to.
#[derive(Debug, PartialEq)]
pub enum Settled<P> {
    /// Success without data.
    Done,
    /// The result of [`Input::Request`], as the gateway returned it.
    Value(P),
    /// The token.
    Token(String),
}

/// An event for the listeners.
#[derive(Debug, PartialEq)]
pub enum Event<P> {
    /// `{type, data}` from the gateway, passed on unchanged.
    Pushed(P),
    /// `status.connected`
    Connected,
    /// `status.disconnected`
    Disconnected,
    /// `status.reconnecting`
    Reconnecting {
        /// The number of the next attempt, from 1.
        attempt: u32,
        /// When.
        delay_ms: u64,
        /// Why.
        cause: Cause,
        /// The same in words.
        message: String,
    },
    /// `status.failed`
    Failed(Error),
    /// `channel.gap`; `None` stands for a channel that may no longer be read.
    Gap(ChannelId, Option<GapReason>),
    /// `file.upload.progress`
    UploadProgress(UploadId, u8),
    /// `file.upload.complete`, with the file's id.
    UploadComplete(UploadId, Uuid),
    /// `file.upload.error`
    UploadError(UploadId, Error),
}

/// A method with its parameters, and how it is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<P> {
    /// The JSON text that follows `"method":` in a frame, up to where the object of the parameters would end:
    /// `"history","params":{"channelId":"alpha"`.
    pub body: P,
    /// An upper bound of the body's size on the wire, in bytes.
    pub bytes: u32,
    /// How it is delivered.
    pub lane: Lane,
}

/// How a request is delivered; [`alo_protocol::registry::Lane`] with what each lane needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Lane {
    /// A command: kept in order, sent again with the same key until it is answered.
    Once {
        /// Now, for the idempotency key.
        unix_ms: u64,
        /// The files uploaded before it, each known to the shell by the id it chose.
        files: Vec<(UploadId, FileMeta)>,
    },
    /// A query: sent again after a reconnect until it is answered or aborted.
    Retry,
    /// Only useful now: fails when offline.
    Now,
}

/// An unsent command with all that another page needs to send it, once.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept<P> {
    /// Its idempotency key.
    pub key: Uuid,
    /// See [`Request::body`].
    pub body: P,
    /// See [`Request::bytes`].
    pub bytes: u32,
    /// Its files in their order.
    pub files: Vec<KeptFile>,
}

/// A file of an unsent message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// Identifies the file's bytes in the shell.
    pub upload: UploadId,
    /// Its metadata.
    pub meta: FileMeta,
    /// Idempotency key of the upload.
    pub key: Uuid,
    /// The upload's location, once it is known: it is resumed there.
    pub location: Option<String>,
}

/// What is known about a file besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// The channel of its message.
    pub channel: ChannelId,
    /// Only for error messages here.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// A request of the tus protocol for one upload. Bytes are named by range; the shell takes them from
/// the native file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpRequest {
    /// POST, with the first bytes.
    Create {
        /// Idempotency key: the same key is the same upload.
        key: Uuid,
        /// How many bytes it carries, from the start.
        length: u64,
    },
    /// PATCH
    Append {
        /// The upload's location.
        location: String,
        /// From where in the file.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
    /// HEAD: requests the offset.
    Probe {
        /// The upload's location.
        location: String,
    },
    /// DELETE: cancels the upload.
    Terminate {
        /// The upload's location.
        location: String,
    },
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// Header `Upload-Offset`.
    pub offset: Option<u64>,
    /// Header `Location`.
    pub location: Option<String>,
    /// The error in the body, if there was one.
    pub error: Option<Error>,
}

/// A frame to the gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame<P> {
    /// The first one.
    Hello {
        /// The token.
        token: String,
        /// The device, as JSON text.
        device: P,
    },
    /// A request.
    Request(u32, Method<P>),
    /// Keeps the connection alive.
    Ping,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Method<P> {
    /// `subscribe`, from the head.
    Subscribe(Vec<ChannelId>),
    /// `resume`, from these cursors.
    Resume(Vec<(ChannelId, Cursor)>),
    /// `unsubscribe`
    Unsubscribe(Vec<ChannelId>),
    /// `auth.refresh`
    Refresh(String),
    /// A command; see [`Request::body`].
    Once {
        /// Method and parameters.
        body: P,
        /// Idempotency key.
        key: Uuid,
        /// Files uploaded before.
        files: Vec<Uuid>,
    },
    /// Any other; see [`Request::body`].
    Other(P),
}

/// A frame from the gateway, or one item of it.
#[derive(Debug)]
pub enum Incoming<'a, P> {
    /// Answer to hello.
    Welcome(Welcome),
    /// A reply with the result as it came.
    Reply(u32, Result<P, Error>),
    /// A subscription continues from another position: the events between are lost.
    Gap(Recovery),
    /// Keeps the connection alive.
    Pong,
    /// An event of a channel.
    Push {
        /// The channel.
        channel: &'a str,
        /// The log's epoch; empty for a signal.
        epoch: &'a str,
        /// The event's sequence; 0 for a signal, which has none.
        seq: u64,
        /// `{type, data}`
        event: P,
    },
}

/// What the core needs of a welcome.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The token's user.
    pub user: String,
    /// How often a ping is due.
    pub heartbeat_ms: u32,
    /// The token's remaining time.
    pub token_expires_in_ms: u64,
    /// What the gateway accepts.
    pub limits: Limits,
}

/// Where a subscription starts.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The channel.
    pub channel: ChannelId,
    /// The position; `None` when the channel may not be read.
    pub cursor: Option<Cursor>,
    /// Why the missed events could not be recovered.
    pub gap: Option<GapReason>,
}

/// What the parts of the core write their outputs to.
pub(super) struct Context<'a, P> {
    pub(super) now: Instant,
    pub(super) rng: &'a mut fastrand::Rng,
    pub(super) out: &'a mut std::collections::VecDeque<Output<P>>,
}

impl<P> Context<'_, P> {
    pub(super) fn emit(&mut self, event: Event<P>) {
        self.out.push_back(Output::Emit(event));
    }
}
