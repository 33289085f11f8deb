//! A channel full of messages, in a database of its own, and two ways to read a page of it in this process.

use std::{fs, hint::black_box, path::Path};

use alo_gateway::store::{
    Change, Draft, Log, Opening, PageLimit, Query, Rows, SqliteLog, SqliteStore, Store,
};
use alo_protocol::{ChannelId, History, HistoryPage, NewerPageToken, OlderPageToken, Uuid};
use rusqlite::{Connection, config::DbConfig, params};
use tempfile::TempDir;

use crate::Result;

/// Its name.
pub const NAME: &str = "a";
/// Messages of a page.
pub const PAGE: u32 = 100;

/// Of the text of a message, bytes: a row is then about 200, without what finds it.
const TEXT: usize = 150;
/// Messages in one transaction while a channel is filled.
const BATCH: u64 = 10_000;
/// When the first message was sent; one follows another a second later.
const FIRST_MS: u64 = 1_700_000_000_000;
/// As the gateway reads.
const LIMIT: PageLimit = PageLimit {
    events: 256,
    bytes: 1 << 20,
};
/// The columns of a message that a page shows, of the rows it shows and in their order.
const OLDER: &str = "
    SELECT seq, id, user_id, at_ms, content, metadata, parent, root, files FROM messages
    WHERE log = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
const NEWER: &str = "
    SELECT seq, id, user_id, at_ms, content, metadata, parent, root, files FROM messages
    WHERE log = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
const COLUMNS: usize = 9;

/// A page of a channel.
#[derive(Clone, Copy)]
pub enum Place {
    /// The newest messages.
    Newest,
    /// Those before the message of this sequence.
    Older(u64),
    /// Those after it.
    Newer(u64),
}

/// See the module.
pub struct Channel {
    /// How many there are.
    pub messages: u64,
    folder: TempDir,
    log: SqliteLog,
    bare: Connection,
}

impl Channel {
    /// Fills one through the gateway's own store.
    pub fn fill(folder: &Path, messages: u64) -> Result<Self> {
        let folder = TempDir::new_in(folder)?;
        let path = folder.path().join("chat.db");
        let mut store = SqliteStore::open(&path, &Opening::new(false))?;
        let mut stored = 0;
        while stored < messages {
            let until = messages.min(stored + BATCH);
            let changes = (stored + 1..=until).map(draft).collect::<Result<_>>()?;
            for answer in store.commit(changes) {
                answer.map_err(|error| error.message)?;
            }
            stored = until;
        }
        let log = store.log(1)?;
        let bare = Connection::open(&path)?;
        // Nothing of the writing is left for those who read.
        bare.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        bare.pragma_update(None, "foreign_keys", "ON")?;
        bare.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let channel = Self {
            messages,
            folder,
            log,
            bare,
        };
        channel.verify()?;
        Ok(channel)
    }

    /// Where its database is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Bytes of the database.
    pub fn bytes(&self) -> Result<u64> {
        Ok(fs::metadata(self.folder().join("chat.db"))?.len())
    }

    /// Any place with a full page on either side, older and newer in turns.
    pub fn anywhere(&self, random: &mut fastrand::Rng, turn: u64) -> Place {
        let page = u64::from(PAGE);
        let seq = random.u64(page + 1..=self.messages - page);
        if turn.is_multiple_of(2) {
            Place::Older(seq)
        } else {
            Place::Newer(seq)
        }
    }

    /// Reads a page as the gateway does.
    pub fn read(&self, place: Place) -> Result<HistoryPage> {
        match self.log.read(&Query::History(history(place)?), LIMIT) {
            Ok(Rows::Page(page)) => Ok(page),
            Ok(other) => Err(format!("no page: {other:?}").into()),
            Err(error) => Err(error.message.into()),
        }
    }

    /// Reads the same rows with SQLite alone, and returns how many.
    pub fn query(&self, place: Place) -> Result<usize> {
        let (sql, seq) = match place {
            Place::Newest => (OLDER, i64::MAX),
            Place::Older(seq) => (OLDER, i64::try_from(seq)?),
            Place::Newer(seq) => (NEWER, i64::try_from(seq)?),
        };
        let mut statement = self.bare.prepare_cached(sql)?;
        let mut rows = statement.query(params![1, seq, PAGE])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            for column in 0..COLUMNS {
                black_box(row.get_ref(column)?);
            }
            count += 1;
        }
        Ok(count)
    }

    /// Both ways read the same: what is compared must be.
    fn verify(&self) -> Result<()> {
        let middle = self.messages / 2;
        for (place, newest) in [
            (Place::Newest, self.messages),
            (Place::Older(middle), middle - 1),
            (Place::Newer(middle), middle + u64::from(PAGE)),
        ] {
            let page = self.read(place)?;
            check(page.messages.len())?;
            check(self.query(place)?)?;
            let first = page.messages[0].get();
            if !first.contains(&format!(r#""id":"{}""#, id(newest))) {
                return Err(
                    format!("message {newest} does not begin the page, but {first}").into(),
                );
            }
        }
        Ok(())
    }
}

/// That a page is full.
pub fn check(messages: usize) -> Result<()> {
    if messages == PAGE as usize {
        Ok(())
    } else {
        Err(format!("a page of {messages} messages instead of {PAGE}").into())
    }
}

/// The request for a page.
pub fn history(place: Place) -> Result<History> {
    let (older, newer) = match place {
        Place::Newest => (None, None),
        Place::Older(seq) => (Some(OlderPageToken(id(seq))), None),
        Place::Newer(seq) => (None, Some(NewerPageToken(id(seq)))),
    };
    Ok(History {
        channel_id: NAME.parse::<ChannelId>()?,
        limit: PAGE,
        older_page_token: older,
        newer_page_token: newer,
    })
}

fn draft(seq: u64) -> Result<Change> {
    let now_ms = sent_ms(seq);
    Ok(Change::Send(Draft {
        id: id(seq),
        key: Uuid::v7(now_ms, noise(!seq)),
        channel: NAME.parse()?,
        user_id: "user".into(),
        content: format!("{seq:0TEXT$}"),
        metadata: None,
        parent_id: None,
        file_ids: Vec::new(),
        now_ms,
    }))
}

/// Ids like a gateway's, but derived from the sequence: finding a place must not warm it up.
fn id(seq: u64) -> Uuid {
    Uuid::v7(sent_ms(seq), noise(seq))
}

const fn sent_ms(seq: u64) -> u64 {
    FIRST_MS + seq * 1_000
}

fn noise(seed: u64) -> [u8; 10] {
    let mut random = fastrand::Rng::with_seed(seed);
    std::array::from_fn(|_| random.u8(..))
}
