//! A store that keeps everything in memory, for simulations and tests.

use std::{collections::BTreeMap, sync::Arc};

use alo_protocol::{ChannelId, Cursor, ErrorBody, ErrorCode, Uuid};

use super::{Committed, Draft, LogEvent, PageLimit, Store, message};

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryStore {
    channels: BTreeMap<ChannelId, Channel>,
    messages: BTreeMap<Uuid, Stored>,
    keys: BTreeMap<Uuid, Uuid>,
}

#[derive(Debug)]
struct Channel {
    epoch: String,
    last_ms: u64,
    events: Vec<LogEvent>,
}

#[derive(Debug)]
struct Stored {
    channel: ChannelId,
    user_id: Arc<str>,
    body: String,
}

impl MemoryStore {
    fn channel(&mut self, id: &ChannelId, new_epoch: &str) -> &mut Channel {
        self.channels.entry(id.clone()).or_insert_with(|| Channel {
            epoch: new_epoch.to_owned(),
            last_ms: 0,
            events: Vec::new(),
        })
    }

    fn commit_one(&mut self, draft: &Draft) -> Result<Committed, ErrorBody> {
        if let Some(stored) = self
            .keys
            .get(&draft.key)
            .and_then(|id| self.messages.get(id))
        {
            let same = stored.channel == draft.channel && stored.user_id == draft.user_id;
            return if same {
                Ok(message::committed(stored.body.clone(), None))
            } else {
                Err(message::key_conflict())
            };
        }
        let parent = match draft.parent_id {
            None => None,
            Some(id) => {
                let parent = self
                    .messages
                    .get(&id)
                    .filter(|parent| parent.channel == draft.channel);
                Some(parent.ok_or_else(message::parent_not_found)?.body.clone())
            }
        };
        if let Some(id) = draft.file_ids.first() {
            return Err(ErrorBody::new(
                ErrorCode::FileNotFound,
                format!("fileIds: {id} is no file"),
            ));
        }
        let channel = self.channel(&draft.channel, &draft.new_epoch);
        channel.last_ms = channel.last_ms.max(draft.now_ms);
        let seq = channel.events.len() as u64 + 1;
        let body = message::build(draft, seq, channel.last_ms, parent.as_deref(), Vec::new())?;
        let event = message::log_event(
            &draft.channel,
            &channel.epoch,
            seq,
            &message::new_event(&body),
        );
        channel.events.push(event.clone());
        self.keys.insert(draft.key, draft.id);
        let stored = Stored {
            channel: draft.channel.clone(),
            user_id: draft.user_id.clone(),
            body: body.clone(),
        };
        self.messages.insert(draft.id, stored);
        Ok(message::committed(body, Some(event)))
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, drafts: Vec<Draft>) -> Vec<Result<Committed, ErrorBody>> {
        drafts.iter().map(|draft| self.commit_one(draft)).collect()
    }

    fn heads(&mut self, channels: &[(ChannelId, String)]) -> Result<Vec<Cursor>, ErrorBody> {
        let head = |(id, new_epoch): &(ChannelId, String)| {
            let channel = self.channel(id, new_epoch);
            Cursor {
                epoch: channel.epoch.clone(),
                seq: channel.events.len() as u64,
            }
        };
        Ok(channels.iter().map(head).collect())
    }

    fn events_after(
        &self,
        channel: &ChannelId,
        seq: u64,
        limit: PageLimit,
    ) -> Result<Vec<LogEvent>, ErrorBody> {
        let mut page = message::Page::new(limit);
        let events = self
            .channels
            .get(channel)
            .map_or(&[][..], |channel| &channel.events);
        let start = usize::try_from(seq).unwrap_or(usize::MAX);
        for event in events.iter().skip(start) {
            if !page.push(event.clone()) {
                break;
            }
        }
        Ok(page.into_events())
    }
}
