//! What must be true, by a model so simple that it is right: a list of messages for each channel.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use alo_chat::core::{CallId, Error, Recovery};
use alo_gateway::store::LogEvent;
use alo_protocol::{ChannelId, Cursor, ErrorCode, Uuid};
use serde::Deserialize;

/// Something that must not be.
#[derive(Debug)]
pub struct Violation {
    /// Replays it.
    pub seed: u64,
    /// The step at which it was seen.
    pub step: u64,
    /// The time, milliseconds.
    pub now_ms: u64,
    /// What is wrong.
    pub message: String,
    /// What happened last, if traced.
    pub trail: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trail {
            writeln!(f, "{line}")?;
        }
        write!(
            f,
            "seed {}, step {}, {} ms: {}",
            self.seed, self.step, self.now_ms, self.message
        )
    }
}

impl std::error::Error for Violation {}

/// Says who sent a message and in what order: `client life number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag {
    /// Which client.
    pub client: usize,
    /// Which life of its page.
    pub life: u32,
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
            self.client,
            self.life,
            self.number,
            u8::from(self.has_files)
        )
    }
}

impl Tag {
    /// One sent by nobody of this world.
    pub(crate) const fn of_stranger(number: u32) -> Self {
        Self {
            client: usize::MAX,
            life: 0,
            number,
            has_files: false,
        }
    }

    /// The tag in the body of a command.
    pub(crate) fn of_body(body: &str) -> Option<Self> {
        let (_, content) = body.rsplit_once(r#""content":""#)?;
        Self::parse(content.strip_suffix('"')?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            client: words.next()?.parse().ok()?,
            life: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            has_files: words.next()? == "1",
        })
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

#[derive(Default)]
struct Channel {
    /// Ids in the order of the log; the first has sequence 1.
    log: Vec<Uuid>,
    last_ms: u64,
}

/// A subscription as the user sees it.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Sequence of the last event heard.
    last: Option<u64>,
    /// The first event heard must not be later than the one after this.
    bound: u64,
    /// Of which database.
    database: u32,
}

/// Where the gateway said that a subscription starts.
#[derive(Clone, Copy, Debug)]
struct Start {
    seq: u64,
    database: u32,
}

/// Where a stored message stands.
struct Place {
    channel: ChannelId,
    seq: u64,
    database: u32,
}

/// The parts of a message that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    id: Uuid,
    channel_id: ChannelId,
    timestamp: String,
    content: String,
    files: Vec<SeenFile>,
}

#[derive(Deserialize)]
struct SeenFile {
    id: Uuid,
    size: u64,
}

#[derive(Deserialize)]
struct SeenEvent {
    data: SeenData,
}

#[derive(Deserialize)]
struct SeenData {
    message: Seen,
}

/// The model.
pub struct Oracle {
    channels: BTreeMap<ChannelId, Channel>,
    places: HashMap<Uuid, Place>,
    /// The message last stored for each, and in which database.
    stored: HashMap<Tag, (Uuid, u32)>,
    /// Counts the databases the gateway has had; each makes epochs of its own.
    database: u32,
    epochs: HashMap<String, u32>,
    /// Those the store has refused at some time, and those sent again after an answer: others may have
    /// overtaken them.
    late: HashSet<Tag>,
    fates: HashMap<Tag, Fate>,
    /// The last send without files stored, for each page and channel.
    order: HashMap<(usize, u32, ChannelId), u32>,
    readings: HashMap<(usize, u32, ChannelId), Reading>,
    /// The last call that left a channel: what earlier calls say of it is out of date.
    left: HashMap<(usize, u32, ChannelId), CallId>,
    cursors: HashMap<(usize, u32, ChannelId), Cursor>,
    starts: HashMap<(usize, u32, ChannelId), Start>,
    open_calls: HashMap<(usize, u32), HashMap<CallId, &'static str>>,
    open_uploads: HashMap<(usize, u32), HashSet<u32>>,
    outbox: usize,
}

impl Oracle {
    pub(crate) fn new(outbox: usize) -> Self {
        Self {
            channels: BTreeMap::new(),
            places: HashMap::new(),
            stored: HashMap::new(),
            database: 0,
            epochs: HashMap::new(),
            late: HashSet::new(),
            fates: HashMap::new(),
            order: HashMap::new(),
            readings: HashMap::new(),
            left: HashMap::new(),
            cursors: HashMap::new(),
            starts: HashMap::new(),
            open_calls: HashMap::new(),
            open_uploads: HashMap::new(),
            outbox,
        }
    }

    // At the store.

    /// The gateway comes back with an empty database.
    pub(crate) fn replaced(&mut self) {
        self.database += 1;
        self.channels.clear();
        self.order.clear();
    }

    /// The present database may call a channel's log by this.
    pub(crate) fn epoch(&mut self, epoch: &str) {
        self.epochs.insert(epoch.to_owned(), self.database);
    }

    /// A message has been made durable.
    pub(crate) fn stored(&mut self, event: &LogEvent) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Push {
            event: SeenEvent,
        }
        let push: Push = serde_json::from_str(&event.push)
            .map_err(|error| format!("a push is no JSON: {error}"))?;
        let message = push.event.data.message;
        let tag =
            Tag::parse(&message.content).ok_or("a message with another content was stored")?;
        let id = event
            .log
            .channel()
            .ok_or("a message was stored outside of a channel")?;
        let channel = self.channels.entry(id.clone()).or_default();
        if event.seq != channel.log.len() as u64 + 1 {
            return Err(format!(
                "{} has sequence {} after {}",
                id,
                event.seq,
                channel.log.len()
            ));
        }
        let time: u64 = message
            .timestamp
            .parse()
            .map_err(|_| "a timestamp is no number")?;
        if time < channel.last_ms {
            return Err(format!(
                "time went back in {}: {time} after {}",
                id, channel.last_ms
            ));
        }
        channel.last_ms = time;
        channel.log.push(message.id);
        let place = Place {
            channel: id.clone(),
            seq: event.seq,
            database: self.database,
        };
        self.places.insert(message.id, place);
        let before = self.stored.insert(tag, (message.id, self.database));
        if before.is_some_and(|(_, database)| database == self.database) {
            return Err(format!("message {tag} was stored twice"));
        }
        if let Some(Fate::Refused(code)) = self.fates.get(&tag) {
            return Err(format!(
                "message {tag} was stored after its sender had been told {code}"
            ));
        }
        // One whose sender was told that nothing is known of it may still be under way; and one the store
        // refused at first, whose refusal was lost on the way, comes later than those behind it.
        let is_ordered = !tag.has_files
            && self.fates.get(&tag) != Some(&Fate::Unknown)
            && !self.late.contains(&tag);
        if is_ordered {
            let key = (tag.client, tag.life, id.clone());
            if let Some(last) = self.order.insert(key, tag.number)
                && last >= tag.number
            {
                return Err(format!(
                    "message {tag} was stored after number {last}, which was sent later"
                ));
            }
        }
        if message.files.is_empty() == tag.has_files {
            return Err(format!("message {tag} has {} files", message.files.len()));
        }
        Ok(())
    }

    /// The store has refused a message.
    pub(crate) fn not_stored(&mut self, content: &str) {
        self.late.extend(Tag::parse(content));
    }

    /// All that the store holds of a channel must be what was told.
    pub(crate) fn holds(&self, channel: &ChannelId, seqs: &[u64]) -> Result<(), String> {
        let length = self
            .channels
            .get(channel)
            .map_or(0, |channel| channel.log.len() as u64);
        if seqs.iter().copied().eq(1..=length) {
            Ok(())
        } else {
            Err(format!(
                "the store holds {} events of {channel}, {length} were made durable",
                seqs.len()
            ))
        }
    }

    fn head(&self, channel: &ChannelId) -> u64 {
        self.channels
            .get(channel)
            .map_or(0, |channel| channel.log.len() as u64)
    }

    // At a client.

    pub(crate) fn called(&mut self, client: usize, life: u32, call: CallId, what: &'static str) {
        self.open_calls
            .entry((client, life))
            .or_default()
            .insert(call, what);
    }

    pub(crate) fn sent(&mut self, tag: Tag, uploads: &[u32]) {
        self.fates.insert(tag, Fate::Open);
        self.open_uploads
            .entry((tag.client, tag.life))
            .or_default()
            .extend(uploads);
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
    pub(crate) fn restored(&mut self, tag: Tag, life: u32, uploads: &[u32]) {
        self.fates.insert(tag, Fate::Open);
        self.open_uploads
            .entry((tag.client, life))
            .or_default()
            .extend(uploads);
    }

    pub(crate) fn released(&mut self, client: usize, life: u32, upload: u32) -> Result<(), String> {
        let known = self
            .open_uploads
            .entry((client, life))
            .or_default()
            .remove(&upload);
        if known {
            Ok(())
        } else {
            Err(format!("client {client} released upload {upload} twice"))
        }
    }

    /// A call is settled, whatever with.
    pub(crate) fn settled(&mut self, client: usize, life: u32, call: CallId) -> Result<(), String> {
        let calls = self.open_calls.entry((client, life)).or_default();
        match calls.remove(&call) {
            Some(_) => Ok(()),
            None => Err(format!(
                "client {client}: call {} was settled twice",
                call.0
            )),
        }
    }

    /// A send was answered with a message.
    pub(crate) fn send_succeeded(&mut self, tag: Tag, result: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Sent {
            message: Seen,
        }
        let Sent { message } = serde_json::from_str(result)
            .map_err(|error| format!("a send was answered with {result}: {error}"))?;
        if message.content != tag.to_string() {
            return Err(format!(
                "send {tag} was answered with message {}",
                message.content
            ));
        }
        if self
            .stored
            .get(&tag)
            .is_none_or(|(id, _)| *id != message.id)
        {
            return Err(format!("send {tag} was answered before it was stored"));
        }
        self.fates.insert(tag, Fate::Stored);
        Ok(())
    }

    /// A send was answered with an error.
    pub(crate) fn send_failed(&mut self, tag: Tag, error: &Error) -> Result<(), String> {
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
        // Files may have gone with a database.
        let is_known = self.database > 0 && error.is(ErrorCode::FileNotFound);
        if never.iter().any(|code| error.is(*code)) && !is_known {
            return Err(format!(
                "send {tag} was answered with {}: {}",
                error.code, error.message
            ));
        }
        let stored = self.stored.get(&tag);
        if stored.is_some_and(|(_, database)| *database == self.database) {
            return Err(format!(
                "send {tag} was answered with {} but is stored",
                error.code
            ));
        }
        self.fates
            .insert(tag, Fate::Refused(error.code.clone().into_owned()));
        Ok(())
    }

    /// The gateway has told where subscriptions start.
    pub(crate) fn starts(&mut self, client: usize, life: u32, recoveries: &[Recovery]) {
        for Recovery {
            channel, cursor, ..
        } in recoveries
        {
            if let Some(cursor) = cursor {
                let start = Start {
                    seq: cursor.seq,
                    database: self.epochs.get(&*cursor.epoch).copied().unwrap_or_default(),
                };
                self.starts.insert((client, life, channel.clone()), start);
            }
        }
    }

    /// `subscribe` has resolved.
    pub(crate) fn subscribed(
        &mut self,
        client: usize,
        life: u32,
        call: CallId,
        channels: &[ChannelId],
    ) {
        for channel in channels {
            if self
                .left
                .get(&(client, life, channel.clone()))
                .is_some_and(|left| *left > call)
            {
                continue;
            }
            let key = (client, life, channel.clone());
            let start = self.start(&key);
            self.readings.entry(key).or_insert(start);
        }
    }

    /// `unsubscribe` was called.
    pub(crate) fn unsubscribed(
        &mut self,
        client: usize,
        life: u32,
        call: CallId,
        channels: &[ChannelId],
    ) {
        for channel in channels {
            self.left.insert((client, life, channel.clone()), call);
            self.readings.remove(&(client, life, channel.clone()));
            self.cursors.remove(&(client, life, channel.clone()));
        }
    }

    /// `channel.gap` was told: what follows starts anew.
    pub(crate) fn gap(
        &mut self,
        client: usize,
        life: u32,
        channel: &ChannelId,
        forbidden: bool,
    ) -> Result<(), String> {
        let key = (client, life, channel.clone());
        self.cursors.remove(&key);
        let start = self.start(&key);
        let before = if forbidden {
            self.readings.remove(&key)
        } else {
            self.readings
                .get_mut(&key)
                .map(|reading| std::mem::replace(reading, start))
        };
        let is_right = !forbidden && before.is_none_or(|before| before.database < start.database);
        if is_right {
            Ok(())
        } else {
            Err(format!(
                "client {client} was told of a gap in {channel}, though nothing was replaced"
            ))
        }
    }

    /// A subscription as the gateway said last that it starts.
    fn start(&self, key: &(usize, u32, ChannelId)) -> Reading {
        let start = self.starts.get(key).copied().unwrap_or_else(|| Start {
            seq: self.head(&key.2),
            database: self.database,
        });
        Reading {
            last: None,
            bound: start.seq,
            database: start.database,
        }
    }

    /// A listener was given an event.
    pub(crate) fn heard(&mut self, client: usize, life: u32, event: &str) -> Result<(), String> {
        let event: SeenEvent =
            serde_json::from_str(event).map_err(|error| format!("an event is no JSON: {error}"))?;
        let message = event.data.message;
        let Some(Place {
            channel,
            seq,
            database,
        }) = self.places.get(&message.id)
        else {
            return Err(format!(
                "client {client} heard message {} that was never stored",
                message.content
            ));
        };
        if *channel != message.channel_id {
            return Err(format!(
                "a message of {channel} was heard in {}",
                message.channel_id
            ));
        }
        if message
            .files
            .iter()
            .any(|file| file.size == 0 || file.id.to_string().is_empty())
        {
            return Err(format!("message {} has an empty file", message.content));
        }
        let Some(reading) = self.readings.get_mut(&(client, life, channel.clone())) else {
            return Err(format!(
                "client {client} heard an event of {channel}, which it does not read"
            ));
        };
        if *database != reading.database {
            return Err(format!(
                "client {client} heard an event of {channel} in another database than it reads"
            ));
        }
        let expected = reading.last.map_or(reading.bound, |last| last) + 1;
        let right = if reading.last.is_some() {
            *seq == expected
        } else {
            *seq <= expected
        };
        if !right {
            return Err(format!(
                "client {client} heard event {seq} of {channel} when {expected} was due"
            ));
        }
        reading.last = Some(*seq);
        Ok(())
    }

    /// A client says hello and names its cursors.
    pub(crate) fn greeted(
        &mut self,
        client: usize,
        life: u32,
        channels: &[(ChannelId, Cursor)],
    ) -> Result<(), String> {
        for (channel, cursor) in channels {
            let key = (client, life, channel.clone());
            if let Some(before) = self.cursors.insert(key, cursor.clone())
                && (before.epoch != cursor.epoch || before.seq > cursor.seq)
            {
                return Err(format!(
                    "client {client}: the cursor of {channel} went from {before:?} to {cursor:?}"
                ));
            }
        }
        Ok(())
    }

    /// A page was closed: nobody waits for its calls.
    pub(crate) fn closed(&mut self, client: usize, life: u32) {
        self.open_calls.remove(&(client, life));
        self.open_uploads.remove(&(client, life));
        self.readings
            .retain(|(other, other_life, _), _| (*other, *other_life) != (client, life));
        for (tag, fate) in &mut self.fates {
            if (tag.client, tag.life) == (client, life) && *fate == Fate::Open {
                *fate = Fate::Unknown;
            }
        }
    }

    /// Bounded queues are bounded.
    pub(crate) fn bounded(&self, client: usize, life: u32) -> Result<(), String> {
        let open = self.open_calls.get(&(client, life));
        let sends = open.map_or(0, |calls| {
            calls.values().filter(|what| **what == "send").count()
        });
        if sends <= self.outbox {
            Ok(())
        } else {
            Err(format!(
                "client {client} has {sends} messages in its outbox"
            ))
        }
    }

    /// After healing nothing is open and every reader stands at the head.
    pub(crate) fn settled_all(&self, client: usize, life: u32) -> Result<(), String> {
        if let Some((call, what)) = self
            .open_calls
            .get(&(client, life))
            .and_then(|calls| calls.iter().next())
        {
            return Err(format!(
                "client {client}: {what} (call {}) was never answered",
                call.0
            ));
        }
        if let Some(upload) = self
            .open_uploads
            .get(&(client, life))
            .and_then(|uploads| uploads.iter().next())
        {
            return Err(format!(
                "client {client}: the file of upload {upload} was never released"
            ));
        }
        self.up_to_date(client, life)
    }

    /// Every subscription has been given all there is.
    pub(crate) fn up_to_date(&self, client: usize, life: u32) -> Result<(), String> {
        for ((reader, reader_life, channel), reading) in &self.readings {
            if (*reader, *reader_life) != (client, life) {
                continue;
            }
            if reading.database != self.database {
                return Err(format!(
                    "client {client} was never told that {channel} was replaced"
                ));
            }
            let (stands, head) = (reading.last.unwrap_or(reading.bound), self.head(channel));
            if stands != head {
                return Err(format!(
                    "client {client} stands at {stands} of {channel}, whose head is {head}"
                ));
            }
        }
        Ok(())
    }

    /// Whether the message of an answered send is in the log still.
    pub(crate) fn kept(&self) -> Result<(), String> {
        for (tag, fate) in &self.fates {
            if *fate == Fate::Stored && !self.stored.contains_key(tag) {
                return Err(format!("message {tag} was answered and is lost"));
            }
            if *fate == Fate::Left {
                return Err(format!("message {tag} was kept, and nobody has sent it"));
            }
        }
        Ok(())
    }

    /// Ids of messages of a channel, for replies.
    pub(crate) fn some_message(&self, channel: &ChannelId, pick: usize) -> Option<Uuid> {
        let log = &self.channels.get(channel)?.log;
        log.get(pick % log.len().max(1)).copied()
    }
}
