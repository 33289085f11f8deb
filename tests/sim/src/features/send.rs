//! Sending messages: each is stored once, in order, and its call says so.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use alo_chat::core::{CallId, Error, FileMeta, Lane, Settled};
use alo_protocol::{ChannelId, ErrorCode, Uuid};
use serde::Deserialize;

use crate::{
    client::Call,
    gateway,
    oracle::{Model, Seen, Verdict},
    page::PageId,
    wire::Payload,
    world::World,
};

/// Says who sent a message and in what order: `client life number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// Which page.
    pub page: PageId,
    /// Which of its sends.
    pub number: u32,
    /// Whether it has files, which lets others overtake it.
    pub has_files: bool,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.page.client,
            self.page.life,
            self.number,
            u8::from(self.has_files)
        )
    }
}

impl Tag {
    /// One sent by nobody of this world.
    pub(crate) const fn of_stranger(number: u32) -> Self {
        Self {
            page: PageId {
                client: usize::MAX,
                life: 0,
            },
            number,
            has_files: false,
        }
    }

    /// The tag in the body of a command.
    pub(crate) fn of_body(body: &str) -> Option<Self> {
        let (_, content) = body.rsplit_once(r#""content":""#)?;
        Self::parse(content.strip_suffix('"')?)
    }

    /// The tag that is the content of a message.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            page: PageId {
                client: words.next()?.parse().ok()?,
                life: words.next()?.parse().ok()?,
            },
            number: words.next()?.parse().ok()?,
            has_files: words.next()? == "1",
        })
    }
}

// What a user does.
impl World {
    /// Sends a message, with files of these sizes.
    pub fn send(
        &mut self,
        index: usize,
        channel: &ChannelId,
        parent: Option<Uuid>,
        sizes: &[u64],
    ) -> CallId {
        let page = self.page(index);
        let host = &mut self.clients[index];
        let tag = Tag {
            page,
            number: host.next_number(),
            has_files: !sizes.is_empty(),
        };
        let mut files = Vec::new();
        for &size in sizes {
            let meta = FileMeta {
                channel: channel.clone(),
                name: "file".into(),
                size,
            };
            files.push((host.add_file(meta.clone()), meta));
        }
        let call = host.next_call(Call::Send(tag));
        let uploads: Vec<_> = files.iter().map(|(id, _)| id.0).collect();
        self.oracle.sends.sent(tag, &uploads);
        let parent = parent.map_or_else(String::new, |id| format!(r#","parentId":"{id}""#));
        let body = format!(
            r#""message.send","params":{{"channelId":"{channel}"{parent},"content":"{tag}""#
        );
        let unix_ms = gateway::UNIX_MS + self.now;
        self.note(|| {
            let count = sizes.len();
            format!("client {index} sends {tag} to {channel} with {count} files")
        });
        self.request(index, call, "send", body, Lane::Once { unix_ms, files });
        call
    }

    /// A call that stands for a message of an earlier page.
    pub(crate) fn resend(&mut self, index: usize, tag: Tag) -> CallId {
        let page = self.page(index);
        let call = self.clients[index].next_call(Call::Send(tag));
        self.oracle.called(page, call, "restored send");
        call
    }

    /// A send was answered.
    pub(crate) fn send_settled(
        &mut self,
        tag: Tag,
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        match result {
            Ok(Settled::Value(result)) => {
                self.counts.add("sends resolved");
                self.oracle.sends.succeeded(tag, result.as_str())
            }
            Ok(other) => Err(format!("send {tag} was answered with {other:?}")),
            Err(error) => {
                self.counts.add("sends refused");
                let forbidden = [
                    ErrorCode::ChannelForbidden,
                    ErrorCode::TokenRevoked,
                    ErrorCode::UserBanned,
                    ErrorCode::UserMuted,
                ];
                if forbidden.iter().any(|code| error.is(*code)) {
                    let user = &self.clients[tag.page.client].user;
                    return if self.oracle.access.concerned(user) {
                        self.oracle.sends.unknown(tag);
                        Ok(())
                    } else {
                        Err(format!("send {tag} was answered with {}", error.code))
                    };
                }
                self.oracle.sends.failed(&self.oracle.model, tag, &error)
            }
        }
    }
}

/// How a send ended, as its caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Stored,
    /// It may have been stored or not.
    Unknown,
    /// It was said not to be stored.
    Refused(String),
    /// Its page is gone; its browser has kept it, and another page must send it.
    Left,
}

/// A message as it was made durable.
pub(crate) struct Stored<'a> {
    pub(crate) tag: Tag,
    pub(crate) id: Uuid,
    pub(crate) database: usize,
    pub(crate) channel: &'a ChannelId,
    /// How many it has.
    pub(crate) files: usize,
}

/// All sends.
pub(crate) struct Sends {
    fates: HashMap<Tag, Fate>,
    /// The message last stored for each, and in which database.
    stored: HashMap<Tag, (Uuid, usize)>,
    /// Those the store has refused at some time, and those sent again after an answer: others may have
    /// overtaken them.
    late: HashSet<Tag>,
    /// Those whose message has gone missing from the store, and with it their key.
    lost: HashSet<Tag>,
    /// Those whose message was deleted, and in which database: their keys stay.
    erased: HashMap<Tag, usize>,
    /// What each message is, in whichever database.
    tags: HashMap<Uuid, Tag>,
    /// In which database the store has last refused a message.
    refused_in: HashMap<Tag, usize>,
    /// Whether there was an older copy of the database, which knows less of files.
    is_rewound: bool,
    /// Those without files that earlier pages have left, given to a page, and not sent by it yet.
    waiting: HashMap<PageId, HashSet<Tag>>,
    /// The last send without files stored, for each page and channel.
    order: HashMap<(PageId, ChannelId), u32>,
    open_uploads: HashMap<PageId, HashSet<u32>>,
    outbox: usize,
}

// At the store.
impl Sends {
    pub(crate) fn new(outbox: usize) -> Self {
        Self {
            fates: HashMap::new(),
            stored: HashMap::new(),
            late: HashSet::new(),
            lost: HashSet::new(),
            erased: HashMap::new(),
            tags: HashMap::new(),
            refused_in: HashMap::new(),
            is_rewound: false,
            waiting: HashMap::new(),
            order: HashMap::new(),
            open_uploads: HashMap::new(),
            outbox,
        }
    }

    pub(crate) fn replaced(&mut self) {
        self.order.clear();
    }

    /// What the copy still holds counts as stored there.
    pub(crate) fn rewound(&mut self, model: &Model) {
        self.order.clear();
        self.is_rewound = true;
        for id in model.ids() {
            if let Some(tag) = self.tags.get(id).filter(|tag| !self.lost.contains(tag)) {
                self.stored.insert(*tag, (*id, model.database()));
            }
        }
    }

    /// The message is gone from the store.
    pub(crate) fn lost(&mut self, id: &Uuid) {
        if let Some(tag) = self.tags.get(id) {
            self.stored.remove(tag);
            self.lost.insert(*tag);
            self.late.insert(*tag);
        }
    }

    /// The message is deleted.
    pub(crate) fn erased(&mut self, id: &Uuid, database: usize) {
        if let Some(tag) = self.tags.get(id) {
            // One that had gone missing before has left no key.
            let is_known = self.stored.contains_key(tag);
            if is_known {
                self.erased.insert(*tag, database);
            }
        }
        self.lost(id);
    }

    /// The gateway may refuse a message, and the sender may never know: then it is sent again, behind others.
    pub(crate) fn refused(&mut self, tag: Tag) {
        self.late.insert(tag);
    }

    /// The store has refused a message.
    pub(crate) fn not_stored(&mut self, model: &Model, content: &str) {
        if let Some(tag) = Tag::parse(content) {
            self.late.insert(tag);
            self.refused_in.insert(tag, model.database());
        }
    }

    pub(crate) fn stored(
        &mut self,
        Stored {
            tag,
            id,
            database,
            channel,
            files,
        }: Stored<'_>,
    ) -> Verdict {
        if self.erased.get(&tag) == Some(&database) {
            return Err(format!("message {tag}, which was deleted, has come back"));
        }
        let before = self.stored.insert(tag, (id, database));
        if before.is_some_and(|(_, stored_in)| stored_in == database) {
            return Err(format!("message {tag} was stored twice"));
        }
        self.tags.insert(id, tag);
        if let Some(Fate::Refused(code)) = self.fates.get(&tag)
            && !self.lost.contains(&tag)
        {
            return Err(format!(
                "message {tag} was stored after its sender had been told {code}"
            ));
        }
        // One whose sender was told that nothing is known of it may still be under way; and one the store
        // refused at first, whose refusal was lost on the way, comes later than those behind it.
        let is_ordered = !tag.has_files
            && self.fates.get(&tag) != Some(&Fate::Unknown)
            && !self.late.contains(&tag);
        if is_ordered
            && let Some(last) = self.order.insert((tag.page, channel.clone()), tag.number)
            && last >= tag.number
        {
            return Err(format!(
                "message {tag} was stored after number {last}, which was sent later"
            ));
        }
        if (files == 0) == tag.has_files {
            return Err(format!("message {tag} has {files} files"));
        }
        Ok(())
    }
}

// At a client.
impl Sends {
    pub(crate) fn sent(&mut self, tag: Tag, uploads: &[u32]) {
        self.fates.insert(tag, Fate::Open);
        self.uploads(tag.page).extend(uploads);
    }

    /// A page has ended, and storage holds this message.
    pub(crate) fn left(&mut self, tag: Tag) {
        let before = self.fates.insert(tag, Fate::Left);
        // Answered already, but the page ended before storage had forgotten it: it comes late.
        if !matches!(before, Some(Fate::Open | Fate::Left)) {
            self.late.insert(tag);
        }
    }

    /// A message of an earlier page is sent by this one.
    pub(crate) fn restored(&mut self, tag: Tag, page: PageId, uploads: &[u32]) {
        self.fates.insert(tag, Fate::Open);
        if uploads.is_empty() {
            self.waiting.entry(page).or_default().insert(tag);
        }
        self.uploads(page).extend(uploads);
    }

    /// A page sends a message to the gateway: of its own only when nothing waits that was left to it.
    pub(crate) fn goes_out(&mut self, page: PageId, tag: Tag) -> Verdict {
        self.waits_no_longer(page, tag);
        match self.waiting.get(&page).and_then(|left| left.iter().min()) {
            Some(left) if tag.page == page => Err(format!(
                "{page} sends {tag} before {left}, which was left to it"
            )),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn waits_no_longer(&mut self, page: PageId, tag: Tag) {
        if let Some(waiting) = self.waiting.get_mut(&page) {
            waiting.remove(&tag);
        }
    }

    pub(crate) fn released(&mut self, page: PageId, upload: u32) -> Verdict {
        if self.uploads(page).remove(&upload) {
            Ok(())
        } else {
            Err(format!("{page} released upload {upload} twice"))
        }
    }

    pub(crate) fn closed(&mut self, page: PageId) {
        self.open_uploads.remove(&page);
        self.waiting.remove(&page);
        for (tag, fate) in &mut self.fates {
            if tag.page == page && *fate == Fate::Open {
                *fate = Fate::Unknown;
            }
        }
    }

    fn uploads(&mut self, page: PageId) -> &mut HashSet<u32> {
        self.open_uploads.entry(page).or_default()
    }

    fn succeeded(&mut self, tag: Tag, result: &str) -> Verdict {
        #[derive(Deserialize)]
        struct Sent<'a> {
            #[serde(borrow)]
            message: Seen<'a>,
        }
        let Sent { message } = serde_json::from_str(result)
            .map_err(|error| format!("send {tag} was answered with {result}: {error}"))?;
        if message.content != tag.to_string() {
            return Err(format!(
                "send {tag} was answered with message {}",
                message.content
            ));
        }
        if self.tags.get(&message.id) != Some(&tag) {
            return Err(format!("send {tag} was answered before it was stored"));
        }
        self.fates.insert(tag, Fate::Stored);
        Ok(())
    }

    /// An earlier try may have been stored, and its answer lost.
    fn unknown(&mut self, tag: Tag) {
        self.fates.insert(tag, Fate::Unknown);
    }

    fn failed(&mut self, model: &Model, tag: Tag, error: &Error) -> Verdict {
        // These say that nothing is known of what the gateway did.
        let unknown = [
            ErrorCode::Disconnected,
            ErrorCode::TokenInvalid,
            ErrorCode::TokenExpired,
            ErrorCode::TokenUnavailable,
        ];
        if unknown.iter().any(|code| error.is(*code)) {
            self.fates.insert(tag, Fate::Unknown);
            return Ok(());
        }
        // Whatever the network does, the two sides never disagree about these.
        let never = [
            ErrorCode::InvalidArgument,
            ErrorCode::MalformedFrame,
            ErrorCode::FileNotFound,
            ErrorCode::FileIncomplete,
            ErrorCode::FileInUse,
            ErrorCode::IdempotencyConflict,
            ErrorCode::TooManyRequests,
        ];
        // Files may have gone with a database, or with what a copy of it does not know.
        let is_known = (model.database() > 0 && error.is(ErrorCode::FileNotFound))
            || (self.is_rewound && error.is(ErrorCode::FileIncomplete))
            || self.lost.contains(&tag);
        if never.iter().any(|code| error.is(*code)) && !is_known {
            return Err(format!(
                "send {tag} was answered with {}: {}",
                error.code, error.message
            ));
        }
        let stored = self.stored.get(&tag);
        // A refusal by another database may have been on its way.
        let refused_in = self.refused_in.get(&tag);
        if stored.is_some_and(|(_, database)| *database == model.database())
            && refused_in.is_none_or(|database| *database == model.database())
        {
            return Err(format!(
                "send {tag} was answered with {} but is stored",
                error.code
            ));
        }
        self.fates
            .insert(tag, Fate::Refused(error.code.clone().into_owned()));
        Ok(())
    }
}

// At any time, and in the end.
impl Sends {
    pub(crate) fn bounded(&self, page: PageId, open: usize) -> Verdict {
        if open <= self.outbox {
            Ok(())
        } else {
            Err(format!("{page} has {open} messages in its outbox"))
        }
    }

    pub(crate) fn released_all(&self, page: PageId) -> Verdict {
        let open = self.open_uploads.get(&page);
        match open.and_then(|uploads| uploads.iter().next()) {
            Some(upload) => Err(format!(
                "{page}: the file of upload {upload} was never released"
            )),
            None => Ok(()),
        }
    }

    /// Whether the message of an answered send is in the log still.
    pub(crate) fn kept(&self) -> Verdict {
        for (tag, fate) in &self.fates {
            let is_kept = self.stored.contains_key(tag) || self.lost.contains(tag);
            if *fate == Fate::Stored && !is_kept {
                return Err(format!("message {tag} was answered and is lost"));
            }
            if *fate == Fate::Left {
                return Err(format!("message {tag} was kept, and nobody has sent it"));
            }
        }
        Ok(())
    }
}
