//! Loading earlier messages: pages without holes that join with the events that follow.

mod model;

use alo_chat::core::{CallId, Error, Lane, Settled};
use alo_protocol::{ChannelId, Uuid};

pub(crate) use self::model::{Histories, Walk};
use crate::{client::Call, oracle::Verdict, page::PageId, wire::Payload, world::World};

/// Which page of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Newest,
    Older(String),
    Newer(String),
    Around(Uuid),
}

/// How far a user follows the tokens of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Not at all.
    Never,
    /// Until something else is of more interest.
    Sometimes,
    /// To the end.
    Always,
}

/// A page that a user asks for.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) channel: ChannelId,
    pub(crate) which: Which,
    pub(crate) limit: usize,
    pub(crate) follow: Follow,
    /// What the pages before it have shown, on a walk from the newest page to the oldest message.
    pub(crate) walk: Option<Walk>,
}

// What a user does.
impl World {
    /// Loads the newest page of a channel, and all before it.
    pub fn walk_history(&mut self, index: usize, channel: &ChannelId, limit: usize) -> CallId {
        let ask = Ask {
            channel: channel.clone(),
            which: Which::Newest,
            limit,
            follow: Follow::Always,
            walk: Some(Walk::default()),
        };
        self.load_page(index, ask)
    }

    /// Loads the newest page of a channel alone.
    pub fn newest_page(&mut self, index: usize, channel: &ChannelId, limit: usize) -> CallId {
        let ask = Ask {
            channel: channel.clone(),
            which: Which::Newest,
            limit,
            follow: Follow::Never,
            walk: None,
        };
        self.load_page(index, ask)
    }

    /// Loads the newest page, or one around some message, and may go on from there.
    pub(crate) fn load_history(&mut self, index: usize, channel: ChannelId) {
        let (limit, pick) = (
            [1, 2, 3, 10, 40][self.rng.usize(..5)],
            self.rng.usize(..1_000_000),
        );
        let some = self.oracle.some_message(&channel, pick);
        let which = some
            .filter(|_| self.rng.bool())
            .map_or(Which::Newest, Which::Around);
        let walk = (which == Which::Newest).then(Walk::default);
        let ask = Ask {
            channel,
            which,
            limit,
            follow: Follow::Sometimes,
            walk,
        };
        self.load_page(index, ask);
    }

    /// Scrolls back to the first message of some channel, in a number of pages that healing has time for.
    pub(crate) fn walk_some_history(&mut self) {
        let (client, channels) = (self.rng.usize(..self.clients.len()), self.channels());
        let channel = &channels[self.rng.usize(..channels.len())];
        let head = usize::try_from(self.oracle.model.head(channel)).unwrap_or(usize::MAX);
        let limit = (head / self.rng.usize(1..20) + 1).min(1_000);
        self.walk_history(client, channel, limit);
    }

    fn load_page(&mut self, index: usize, ask: Ask) -> CallId {
        let page = self.page(index);
        let call = self.clients[index].next_call(Call::History);
        self.note(|| {
            let Ask { which, limit, .. } = &ask;
            format!(
                "client {index} loads page {which:?} (limit {limit}) of {}",
                ask.channel
            )
        });
        let body = ask.body();
        let reading = self.oracle.readers.reading(page, &ask.channel).copied();
        let oracle = &mut self.oracle;
        oracle
            .history
            .asked(&oracle.model, (page, call), ask, reading);
        self.request(index, call, "history", body, Lane::Retry);
        call
    }

    pub(crate) fn history_settled(
        &mut self,
        page: PageId,
        call: CallId,
        result: Result<Settled<Payload>, Error>,
    ) -> Verdict {
        let oracle = &mut self.oracle;
        let mut next = match result {
            Ok(Settled::Value(result)) => {
                self.counts.add("pages of history");
                oracle
                    .history
                    .answered(&oracle.model, (page, call), result.as_str())?
            }
            Ok(other) => {
                return Err(format!("{page}: history was answered with {other:?}"));
            }
            Err(error) => {
                self.counts.add("pages of history refused");
                return oracle.history.refused(&oracle.model, (page, call), &error);
            }
        };
        if next.walked {
            self.counts.add("channels walked to their first message");
        }
        let goes_on = |world: &mut Self| match next.follow {
            Follow::Never => false,
            Follow::Sometimes => world.is_bad && world.rng.u8(..4) > 0,
            Follow::Always => true,
        };
        // Both ways from a page in the middle; on a walk, back only.
        for which in std::mem::take(&mut next.tokens) {
            if goes_on(self) {
                let ask = Ask {
                    channel: next.channel.clone(),
                    walk: match &which {
                        Which::Older(_) => next.walk.take(),
                        Which::Newest | Which::Newer(_) | Which::Around(_) => None,
                    },
                    which,
                    limit: next.limit,
                    follow: next.follow,
                };
                self.load_page(page.client, ask);
            }
        }
        Ok(())
    }
}

impl Ask {
    /// Method and parameters, as the client takes them.
    fn body(&self) -> String {
        let Self { channel, limit, .. } = self;
        let (method, more) = match &self.which {
            Which::Newest => ("history", String::new()),
            Which::Older(token) => ("history", format!(r#","olderPageToken":"{token}""#)),
            Which::Newer(token) => ("history", format!(r#","newerPageToken":"{token}""#)),
            Which::Around(id) => ("history.around", format!(r#","messageId":"{id}""#)),
        };
        format!(r#""{method}","params":{{"channelId":"{channel}","limit":{limit}{more}"#)
    }
}
