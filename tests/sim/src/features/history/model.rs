//! What must be true of pages of history.

use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use alo_chat::core::{CallId, Error};
use alo_protocol::{ChannelId, Cursor, ErrorCode, Uuid};
use serde::Deserialize;

use super::{Ask, Follow, Which};
use crate::{
    features::subscribe::Reading,
    oracle::{Model, Verdict},
    page::PageId,
};

/// A walk from the newest page to the oldest message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// What the first page showed: a database and a sequence.
    from: Option<(usize, u64)>,
    /// Newest to oldest.
    ids: Vec<Uuid>,
}

/// What may be loaded after a page.
#[derive(Debug)]
pub(crate) struct Next {
    pub(super) channel: ChannelId,
    pub(super) limit: usize,
    pub(super) follow: Follow,
    pub(super) walk: Option<Walk>,
    pub(super) tokens: Vec<Which>,
    /// Whether a walk has come to the first message.
    pub(super) walked: bool,
}

/// A page that is on its way.
struct Asked {
    ask: Ask,
    /// How it stood when the page was asked for.
    database: usize,
    head: u64,
    /// How many messages had gone missing until then.
    losses: u64,
    aborted: bool,
}

/// What a user has on the screen: a page, and the events delivered since it was asked for. Dropped by id
/// where both have the same.
struct View {
    call: CallId,
    database: usize,
    ids: HashSet<Uuid>,
    /// Up to where the user knows of events.
    stands: u64,
    /// What the page shows, once it has come.
    shown: Option<Shown>,
}

/// What a page on the screen shows.
#[derive(Clone, Copy)]
struct Shown {
    /// Sequence of its oldest message.
    oldest: u64,
    /// Its cursor: the events up to there may still be on their way.
    until: u64,
}

/// A page as it came.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<PageMessage>,
    older_page_token: Option<String>,
    newer_page_token: Option<String>,
    cursor: Cursor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMessage {
    id: Uuid,
    channel_id: ChannelId,
}

/// A page, found in the log it was made from.
struct Found<'m> {
    database: usize,
    /// The log as of the page's cursor.
    log: &'m [Uuid],
    /// Sequences of its oldest and its newest message.
    span: Option<(u64, u64)>,
}

/// A direction with the message where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Before(Uuid),
    After(Uuid),
}

/// All pages.
#[derive(Default)]
pub(crate) struct Histories {
    asked: HashMap<(PageId, CallId), Asked>,
    /// What each token stands for: the same at all times.
    tokens: HashMap<String, Edge>,
    views: HashMap<(PageId, ChannelId), View>,
}

impl Histories {
    pub(super) fn asked(
        &mut self,
        model: &Model,
        (page, call): (PageId, CallId),
        ask: Ask,
        reading: Option<Reading>,
    ) {
        if let (Which::Newest, Some(reading)) = (&ask.which, reading) {
            let view = View {
                call,
                database: reading.database,
                ids: HashSet::new(),
                stands: reading.stands(),
                shown: None,
            };
            self.views.insert((page, ask.channel.clone()), view);
        }
        let asked = Asked {
            database: model.database(),
            head: model.head(&ask.channel),
            losses: model.losses(),
            ask,
            aborted: false,
        };
        self.asked.insert((page, call), asked);
    }

    /// A listener received an event. The one that comes up to a page's cursor joins the two.
    pub(crate) fn delivered(
        &mut self,
        model: &Model,
        page: PageId,
        (channel, seq, id): (&ChannelId, u64, Option<Uuid>),
    ) -> Verdict {
        if self.views.is_empty() {
            return Ok(());
        }
        let Some(view) = self.views.get_mut(&(page, channel.clone())) else {
            return Ok(());
        };
        view.ids.extend(id);
        view.stands = seq;
        match view.shown {
            Some(shown) if shown.until == seq => view.check(model, channel, seq),
            Some(_) | None => Ok(()),
        }
    }

    /// The events of a channel end, or start elsewhere: what is on the screen has to be loaded again.
    pub(crate) fn unjoined(&mut self, page: PageId, channel: &ChannelId) {
        self.views.remove(&(page, channel.clone()));
    }

    /// The call's signal was aborted.
    pub(crate) fn aborted(&mut self, page: PageId, call: CallId) {
        if let Some(asked) = self.asked.get_mut(&(page, call)) {
            asked.aborted = true;
        }
    }

    pub(crate) fn closed(&mut self, page: PageId) {
        self.asked.retain(|(asked, _), _| *asked != page);
        self.views.retain(|(viewer, _), _| *viewer != page);
    }

    /// Judges a page.
    pub(super) fn answered(
        &mut self,
        model: &Model,
        key: (PageId, CallId),
        result: &str,
    ) -> Result<Next, String> {
        let mut asked = self
            .asked
            .remove(&key)
            .ok_or("a page nobody asked for was loaded")?;
        let page: Page = serde_json::from_str(result)
            .map_err(|error| format!("a page of history is {result}: {error}"))?;
        let Ask { which, limit, .. } = &asked.ask;
        let name = format!("{}: page {which:?} (limit {limit})", key.0);
        let about = |what: String| format!("{name}: {what}");
        let found = asked.find(model, &page).map_err(&about)?;
        self.place(model, &asked, &found, &page).map_err(&about)?;
        let mut walk = asked.ask.walk.take();
        let mut walked = false;
        if let Some(walk) = &mut walk {
            walked = walk
                .add(model, &asked.ask.channel, &found, &page)
                .map_err(&about)?;
        }
        self.join(model, key, &asked.ask, &found, &page)
            .map_err(&about)?;
        self.remember(&page)?;
        let older = page.older_page_token.map(Which::Older);
        let newer = page
            .newer_page_token
            .map(Which::Newer)
            .filter(|_| walk.is_none());
        Ok(Next {
            channel: asked.ask.channel,
            limit: asked.ask.limit,
            follow: asked.ask.follow,
            tokens: match asked.ask.which {
                // A page to the one side knows the way back, which would never end.
                Which::Newer(_) => newer.into_iter().collect(),
                Which::Older(_) => older.into_iter().collect(),
                Which::Newest | Which::Around(_) => older.into_iter().chain(newer).collect(),
            },
            walk,
            walked,
        })
    }

    /// Where the page must begin and end, by what was asked.
    fn place(&self, model: &Model, asked: &Asked, found: &Found<'_>, page: &Page) -> Verdict {
        let ask = &asked.ask;
        let missing = |seqs| model.all_missing(found.database, &ask.channel, seqs);
        // Whether there is more: surely, or surely not. What went missing since the question may be either.
        let more = |seqs: RangeInclusive<u64>| {
            let gone = model.missing(found.database, &ask.channel, seqs.clone());
            let before = gone.filter(|(_, before)| *before < asked.losses).count() as u64;
            let all = if seqs.is_empty() {
                0
            } else {
                seqs.end() - seqs.start() + 1
            };
            (!missing(seqs), before == all)
        };
        let (count, head) = (page.messages.len(), found.log.len() as u64);
        let seq_of = |id: Uuid| {
            model
                .seq_in(found.database, &ask.channel, &id)
                .filter(|seq| *seq <= head)
                .ok_or_else(|| format!("{id} is not in the log it shows"))
        };
        let edge = |token: &String| {
            let edge = self.tokens.get(token).copied();
            edge.ok_or_else(|| format!("{token} was answered, which no page had"))
        };
        let (mut most, mut newest, mut oldest) = (ask.limit, None, None);
        match &ask.which {
            Which::Newest => newest = Some(head),
            Which::Older(token) => match edge(token)? {
                Edge::Before(id) => newest = Some(seq_of(id)? - 1),
                Edge::After(_) => return Err("a token was taken for the other way".to_owned()),
            },
            Which::Newer(token) => match edge(token)? {
                Edge::After(id) => oldest = Some(seq_of(id)? + 1),
                Edge::Before(_) => return Err("a token was taken for the other way".to_owned()),
            },
            Which::Around(id) => {
                let middle = seq_of(*id)?;
                most = ask.limit * 2 + 1;
                let around = found.span.is_some_and(|(oldest, newest)| {
                    let gone =
                        |seqs| model.missing(found.database, &ask.channel, seqs).count() as u64;
                    oldest <= middle
                        && middle <= newest
                        && (middle - oldest).saturating_sub(gone(oldest..=middle))
                            <= ask.limit as u64
                        && (newest - middle).saturating_sub(gone(middle..=newest))
                            <= ask.limit as u64
                });
                if !around {
                    return Err(format!("{:?} is not around {middle}", found.span));
                }
            }
        }
        if count > most {
            return Err(format!("has {count} messages"));
        }
        match found.span {
            Some(span) => {
                if newest.is_some_and(|newest| newest < span.1 || !missing(span.1 + 1..=newest))
                    || oldest.is_some_and(|oldest| oldest > span.0 || !missing(oldest..=span.0 - 1))
                {
                    return Err(format!(
                        "shows {span:?}, though it should go from {oldest:?} to {newest:?}"
                    ));
                }
                is_told(
                    "olderPageToken",
                    &page.older_page_token,
                    more(1..=span.0 - 1),
                )?;
                is_told(
                    "newerPageToken",
                    &page.newer_page_token,
                    more(span.1 + 1..=head),
                )
            }
            None => {
                if newest.is_some_and(|newest| !missing(1..=newest))
                    || oldest.is_some_and(|oldest| !missing(oldest..=head))
                {
                    return Err(format!(
                        "is empty, though there are messages up to {head}: {oldest:?}, {newest:?}"
                    ));
                }
                let way_on = match ask.which {
                    Which::Newest | Which::Around(_) => {
                        page.older_page_token.is_some() || page.newer_page_token.is_some()
                    }
                    Which::Older(_) => page.older_page_token.is_some(),
                    Which::Newer(_) => page.newer_page_token.is_some(),
                };
                if way_on {
                    Err("is empty, and goes on".to_owned())
                } else {
                    Ok(())
                }
            }
        }
    }

    /// The page and the events since it was asked for are the log.
    fn join(
        &mut self,
        model: &Model,
        (page_id, call): (PageId, CallId),
        ask: &Ask,
        found: &Found<'_>,
        page: &Page,
    ) -> Verdict {
        let key = (page_id, ask.channel.clone());
        let Some(view) = self.views.get_mut(&key).filter(|view| view.call == call) else {
            return Ok(());
        };
        if view.database != found.database {
            // A gap comes, or has come with the page on its way.
            self.views.remove(&key);
            return Ok(());
        }
        view.ids
            .extend(page.messages.iter().map(|message| message.id));
        let until = found.log.len() as u64;
        view.shown = Some(Shown {
            oldest: found.span.map_or(1, |(oldest, _)| oldest),
            until,
        });
        if view.stands < until {
            // The events up to the page are on their way.
            return Ok(());
        }
        view.check(model, &ask.channel, until)
    }

    /// A token stands for the same at all times.
    fn remember(&mut self, page: &Page) -> Verdict {
        let (newest, oldest) = (page.messages.first(), page.messages.last());
        let older = page.older_page_token.as_ref().zip(oldest);
        let newer = page.newer_page_token.as_ref().zip(newest);
        let edges = [
            older.map(|(token, message)| (token, Edge::Before(message.id))),
            newer.map(|(token, message)| (token, Edge::After(message.id))),
        ];
        for (token, edge) in edges.into_iter().flatten() {
            let before = self.tokens.insert(token.clone(), edge);
            if let Some(before) = before.filter(|before| *before != edge) {
                return Err(format!(
                    "token {token} stood for {before:?}, now for {edge:?}"
                ));
            }
        }
        Ok(())
    }

    /// Judges an error.
    pub(super) fn refused(
        &mut self,
        model: &Model,
        key: (PageId, CallId),
        error: &Error,
    ) -> Verdict {
        let asked = self
            .asked
            .remove(&key)
            .ok_or("a page nobody asked for was refused")?;
        if self
            .views
            .get(&(key.0, asked.ask.channel.clone()))
            .is_some_and(|view| view.call == key.1)
        {
            self.unjoined(key.0, &asked.ask.channel);
        }
        // These say nothing of the page.
        let always = [
            ErrorCode::Disconnected,
            ErrorCode::TokenInvalid,
            ErrorCode::TokenExpired,
            ErrorCode::TokenUnavailable,
            ErrorCode::TokenRevoked,
            ErrorCode::ChannelForbidden,
            ErrorCode::UserBanned,
            ErrorCode::Internal,
            ErrorCode::Unavailable,
        ];
        let is_right = always.iter().any(|code| error.is(*code))
            || (error.is(ErrorCode::Aborted) && asked.aborted)
            || (asked.may_be_unknown(model, &self.tokens)
                && match asked.ask.which {
                    Which::Newest => false,
                    Which::Older(_) | Which::Newer(_) => error.is(ErrorCode::InvalidArgument),
                    Which::Around(_) => error.is(ErrorCode::MessageNotFound),
                });
        if is_right {
            Ok(())
        } else {
            Err(format!(
                "{}: page {:?} of {} was answered with {}: {}",
                key.0, asked.ask.which, asked.ask.channel, error.code, error.message
            ))
        }
    }

    /// Every page on a screen goes on to the present.
    pub(crate) fn up_to_date(&self, model: &Model, page: PageId) -> Verdict {
        for ((viewer, channel), view) in &self.views {
            if *viewer == page && view.shown.is_some() {
                view.check(model, channel, model.head(channel))
                    .map_err(|what| format!("{page}: history of {channel}: {what}"))?;
            }
        }
        Ok(())
    }
}

impl Asked {
    /// Finds the page in the model.
    fn find<'m>(&self, model: &'m Model, page: &Page) -> Result<Found<'m>, String> {
        let (channel, cursor) = (&self.ask.channel, &page.cursor);
        let database = match model.database_of(&cursor.epoch) {
            Some(database) => database,
            // Nothing was ever stored there.
            None if cursor.seq == 0 => model.database(),
            None => return Err(format!("its cursor {cursor:?} is of no database")),
        };
        let whole = model.log(database, channel);
        let log = usize::try_from(cursor.seq)
            .ok()
            .and_then(|seq| whole.get(..seq))
            .ok_or_else(|| format!("its cursor {cursor:?} is beyond the log"))?;
        if (database, cursor.seq) < (self.database, self.head) {
            return Err(format!(
                "its cursor {cursor:?} is older than the question, which was asked at {}",
                self.head
            ));
        }
        let mut span: Option<(u64, u64)> = None;
        for PageMessage { id, channel_id } in &page.messages {
            let seq = model
                .seq_in(database, channel, id)
                .filter(|_| channel_id == channel)
                .filter(|seq| *seq <= cursor.seq)
                .ok_or_else(|| format!("{id} is not in the log up to {cursor:?}"))?;
            if model.was_gone(database, channel, seq, self.losses) {
                return Err(format!("{id} was gone before the page was asked for"));
            }
            span = Some(match span {
                None => (seq, seq),
                Some((oldest, newest))
                    if seq < oldest
                        && model.all_missing(database, channel, seq + 1..=oldest - 1) =>
                {
                    (seq, newest)
                }
                Some((oldest, _)) => return Err(format!("{seq} comes after {oldest}")),
            });
        }
        Ok(Found {
            database,
            log,
            span,
        })
    }

    /// Whether what it names was missing in a database the gateway has had since.
    fn may_be_unknown(&self, model: &Model, tokens: &HashMap<String, Edge>) -> bool {
        let id = match &self.ask.which {
            Which::Newest => return false,
            Which::Older(token) | Which::Newer(token) => match tokens.get(token) {
                Some(Edge::Before(id) | Edge::After(id)) => *id,
                None => return true,
            },
            Which::Around(id) => *id,
        };
        let channel = &self.ask.channel;
        (self.database..=model.database()).any(|database| {
            let seq = model.seq_in(database, channel, &id);
            seq.is_none_or(|seq| model.all_missing(database, channel, seq..=seq))
        })
    }
}

impl Walk {
    /// Notes a page; says whether the walk has come to the first message.
    fn add(
        &mut self,
        model: &Model,
        channel: &ChannelId,
        found: &Found<'_>,
        page: &Page,
    ) -> Result<bool, String> {
        let (database, seq) = *self
            .from
            .get_or_insert((found.database, found.log.len() as u64));
        self.ids
            .extend(page.messages.iter().map(|message| message.id));
        if page.older_page_token.is_some() {
            return Ok(false);
        }
        let log = model.log(database, channel).iter();
        let all = log.take(usize::try_from(seq).unwrap_or(usize::MAX));
        let mut shown = self.ids.iter().peekable();
        // Each was shown in its order, or is missing.
        let places: Vec<_> = (1..).zip(all).collect();
        // The later pages may be those of a copy that was restored in the meantime.
        let is_gone = |seq, id| {
            (database..=found.database).any(|database| {
                model.seq_in(database, channel, id).is_none()
                    || model.all_missing(database, channel, seq..=seq)
            })
        };
        let is_whole = places
            .into_iter()
            .rev()
            .all(|(seq, id)| shown.next_if_eq(&id).is_some() || is_gone(seq, id));
        if is_whole && shown.next().is_none() {
            Ok(true)
        } else {
            Err(format!(
                "the walk to the first message has shown {} of {seq}",
                self.ids.len()
            ))
        }
    }
}

impl View {
    /// What is on the screen is the log from the page's oldest message on, at least up to `until`.
    fn check(&self, model: &Model, channel: &ChannelId, until: u64) -> Verdict {
        let (mut least, mut most) = (u64::MAX, 0);
        for id in &self.ids {
            let seq = model
                .seq_in(self.database, channel, id)
                .ok_or("a message of another database is on the screen")?;
            (least, most) = (least.min(seq), most.max(seq));
        }
        let count = self.ids.len() as u64;
        let begins = self.shown.map_or(1, |shown| shown.oldest);
        let missing = |seqs| model.all_missing(self.database, channel, seqs);
        let is_whole = if count == 0 {
            missing(1..=until)
        } else {
            let log = model.log(self.database, channel);
            let is_unseen = |seq: u64| {
                let id = usize::try_from(seq - 1)
                    .ok()
                    .and_then(|index| log.get(index));
                id.is_some_and(|id| !self.ids.contains(id))
            };
            let gone = model.missing(self.database, channel, least..=most);
            let unseen = gone.filter(|(seq, _)| is_unseen(*seq)).count() as u64;
            missing(begins..=least - 1)
                && missing(most + 1..=until)
                && count + unseen == most + 1 - least
        };
        if is_whole {
            Ok(())
        } else {
            Err(format!(
                "{count} messages from {least} to {most} are on the screen, which begins at {begins}; the \
                 log goes to {until}"
            ))
        }
    }
}

fn is_told(name: &str, token: &Option<String>, (surely, never): (bool, bool)) -> Verdict {
    match token {
        Some(_) if never => Err(format!("has an {name}, though there is no more that way")),
        None if surely => Err(format!("has no {name}, though there is more that way")),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
