//! Uploads: a thin handler over the gateway's own records of files. No bytes move; that each range lands
//! where it belongs is what is checked.

use alo_chat::core::{Error, HttpId, HttpReply, HttpRequest};
use alo_gateway::{
    files::{
        Metadata,
        records::{Creation, Part, Row, grows},
    },
    store::{FileRecords, Quota},
};
use alo_protocol::{ChannelId, ErrorBody, ErrorCode, Uuid};

use crate::{
    client,
    page::PageId,
    world::{self, World},
};

/// How long an upload without a message is kept.
const LIFE_MS: u64 = 24 * 60 * 60 * 1_000;

/// A request on its way to the gateway.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: HttpId,
    pub(crate) token: String,
    /// The file's channel.
    pub(crate) channel: ChannelId,
    /// The file's size.
    pub(crate) size: u64,
    pub(crate) request: HttpRequest,
}

impl World {
    pub(crate) fn upload(&mut self, client: usize, request: Request) {
        let (latency, page) = (self.latency(), self.page(client));
        self.counts.add("HTTP requests");
        self.note(|| {
            format!(
                "client {client} asks as {:?}: {:?}",
                request.id, request.request
            )
        });
        self.schedule(latency, world::Event::Request(page, request));
    }

    /// From now on HTTP requests are served, but nobody hears of it; or all is well again.
    pub const fn hang_requests(&mut self, hang: bool) {
        self.hanging = hang;
    }

    pub(crate) fn requested(
        &mut self,
        page: PageId,
        Request {
            id,
            token,
            channel,
            size,
            request,
        }: Request,
    ) {
        let cut = self.happens(self.profile.http_errors);
        let unreachable = !self.gateway.up || self.clients[page.client].offline;
        if unreachable || (cut && self.rng.bool()) {
            self.counts.add("fault: request lost");
            return self.reply(page, id, None);
        }
        // A body may arrive in part, and an answer may be lost.
        let part = if cut {
            Some(self.rng.u64(..1 << 22))
        } else {
            None
        };
        let answer = self.serve(&token, &channel, size, &request, part);
        self.note(|| format!("{page} is answered as {id:?}: {answer:?}"));
        if self.hanging || (cut && self.rng.bool()) {
            // Half-open: the client hears nothing, ever.
            self.counts.add("fault: request hangs");
            return;
        }
        if cut {
            self.counts.add("fault: answer lost");
            return self.reply(page, id, None);
        }
        let reply = answer.unwrap_or_else(|error| HttpReply {
            status: error.status_code,
            error: Some(Error::from(error)),
            ..HttpReply::default()
        });
        self.reply(page, id, Some(reply));
    }

    fn reply(&mut self, page: PageId, id: HttpId, reply: Option<HttpReply>) {
        let latency = self.latency();
        self.schedule(
            latency,
            world::Event::Client(page, client::Event::Http(id, reply)),
        );
    }

    fn serve(
        &mut self,
        token: &str,
        channel: &ChannelId,
        size: u64,
        request: &HttpRequest,
        part: Option<u64>,
    ) -> Result<HttpReply, ErrorBody> {
        let now_ms = self.unix_ms();
        let identity = self.gateway.tokens.verify(token, now_ms)?;
        self.gateway.limiter.upload(&identity.user_id, now_ms)?;
        match request {
            HttpRequest::Create { key, length } => {
                let creation = Creation {
                    id: self.uuid(),
                    key: Some(*key),
                    user_id: identity.user_id.clone(),
                    metadata: Metadata {
                        channel: channel.clone(),
                        name: "file".into(),
                        content_type: "text/plain".into(),
                        last_modified: 0,
                    },
                    header: String::new(),
                    size,
                    expires_ms: now_ms + LIFE_MS,
                };
                let row = self
                    .gateway
                    .files
                    .create(creation.into_row(), &Quota::NONE, now_ms)?;
                let offset = if row.offset == 0 {
                    self.take(&row, 0, *length, part)?
                } else {
                    row.offset
                };
                let location = Some(format!("/v1/files/{}", row.id));
                Ok(HttpReply {
                    status: 201,
                    offset: Some(offset),
                    location,
                    error: None,
                })
            }
            HttpRequest::Append {
                location,
                offset,
                length,
            } => {
                let row = self.find(location)?;
                if row.offset != *offset {
                    return Err(ErrorBody::new(ErrorCode::OffsetMismatch, "simulated"));
                }
                let offset = self.take(&row, *offset, *length, part)?;
                Ok(HttpReply {
                    status: 204,
                    offset: Some(offset),
                    ..HttpReply::default()
                })
            }
            HttpRequest::Probe { location } => {
                let row = self.find(location)?;
                Ok(HttpReply {
                    status: 200,
                    offset: Some(row.offset),
                    ..HttpReply::default()
                })
            }
            HttpRequest::Terminate { location } => {
                let row = self.find(location)?;
                self.gateway.files.end(row.id)?;
                Ok(HttpReply {
                    status: 204,
                    ..HttpReply::default()
                })
            }
        }
    }

    /// Appends what came of a body that begins at `offset` in the file.
    fn take(
        &mut self,
        row: &Row,
        offset: u64,
        length: u64,
        part: Option<u64>,
    ) -> Result<u64, ErrorBody> {
        if offset + length > row.size {
            self.violate(format!(
                "an upload of {} bytes was sent {length} at {offset}",
                row.size
            ));
        }
        let size = part.map_or(length, |part| part.min(length));
        if size == 0 {
            return Ok(offset);
        }
        let (id, expires_ms) = (row.id, self.unix_ms() + LIFE_MS);
        let last = match offset.checked_sub(1) {
            Some(last) => self.gateway.files.parts(id, last, offset)?.pop(),
            None => None,
        };
        let part = match last.filter(grows) {
            Some(last) => Part {
                size: last.size + size,
                ..last
            },
            None => Part { offset, size },
        };
        let counted = self.gateway.files.append(id, &[part], expires_ms)?;
        if counted {
            Ok(offset + size)
        } else {
            Err(ErrorBody::new(ErrorCode::Gone, "simulated"))
        }
    }

    fn find(&mut self, location: &str) -> Result<Row, ErrorBody> {
        let not_found = || ErrorBody::new(ErrorCode::FileNotFound, "simulated");
        let id: Uuid = location
            .rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .ok_or_else(not_found)?;
        let row = self.gateway.files.find(id)?.ok_or_else(not_found)?;
        if row.ended {
            Err(ErrorBody::new(ErrorCode::Gone, "simulated"))
        } else {
            Ok(row)
        }
    }
}
