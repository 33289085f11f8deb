//! Who is typing.

use std::collections::{BTreeMap, BTreeSet};

use alo_protocol::{ChannelId, Typing as Data, signal_text};

use super::{Connection, Signals, Who};

/// Who does not go on within this time does not type any more, milliseconds. Clients go on every three seconds.
const EXPIRY_MS: u64 = 8_000;
/// How often the same device is published at most, milliseconds. Below the three seconds of clients, as their
/// requests arrive with some delay.
const REPEAT_MS: u64 = 2_000;
/// How many devices of a channel are shown as typing at the same time. More would be of no use to readers, and each is
/// sent to all of them.
const MOST: usize = 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Typing {
    typists: BTreeMap<ChannelId, BTreeMap<Who, Typist>>,
    /// The channels in which a connection has typed.
    connections: BTreeMap<Connection, BTreeSet<(ChannelId, Who)>>,
    timers: BTreeSet<(u64, ChannelId, Who)>,
}

#[derive(Debug)]
struct Typist {
    connection: Connection,
    /// When it was published last.
    shown_at: u64,
    /// False: has stopped, and is known only so that it is not published too often.
    is_typing: bool,
    /// When it ends by itself.
    until: u64,
}

impl Typing {
    pub(super) fn start(
        &mut self,
        now_ms: u64,
        connection: Connection,
        who: Who,
        channel: ChannelId,
        out: &mut Signals,
    ) {
        let typists = self.typists.entry(channel.clone()).or_default();
        let is_due = match typists.get(&who) {
            None if typists.len() >= MOST => return,
            Some(typist) if now_ms < typist.shown_at + REPEAT_MS => {
                if !typist.is_typing {
                    return;
                }
                false
            }
            Some(_) | None => true,
        };
        let before = typists.remove(&who);
        let shown_at = match &before {
            Some(typist) if !is_due => typist.shown_at,
            Some(_) | None => now_ms,
        };
        let typist = Typist {
            connection,
            shown_at,
            is_typing: true,
            until: now_ms + EXPIRY_MS,
        };
        let timer = (typist.until, channel.clone(), who.clone());
        typists.insert(who.clone(), typist);
        if let Some(before) = before {
            self.forget(&before, &channel, &who);
        }
        self.timers.insert(timer);
        self.connections
            .entry(connection)
            .or_default()
            .insert((channel.clone(), who.clone()));
        if is_due {
            publish("typing.start", channel, &who, out);
        }
    }

    pub(super) fn stop(&mut self, who: &Who, channel: &ChannelId, out: &mut Signals) {
        let typist = self
            .typists
            .get_mut(channel)
            .and_then(|all| all.get_mut(who));
        if let Some(typist) = typist.filter(|typist| typist.is_typing) {
            self.timers
                .remove(&(typist.until, channel.clone(), who.clone()));
            typist.is_typing = false;
            typist.until = typist.shown_at + REPEAT_MS;
            self.timers
                .insert((typist.until, channel.clone(), who.clone()));
            publish("typing.stop", channel.clone(), who, out);
        }
    }

    /// What the connection has begun, ends.
    pub(super) fn gone(&mut self, connection: Connection, out: &mut Signals) {
        for (channel, who) in self.connections.remove(&connection).unwrap_or_default() {
            self.stop(&who, &channel, out);
        }
    }

    pub(super) fn next_timeout(&self) -> Option<u64> {
        self.timers.first().map(|(until, ..)| *until)
    }

    pub(super) fn timeout(&mut self, now_ms: u64, out: &mut Signals) {
        while self.next_timeout().is_some_and(|until| until <= now_ms)
            && let Some((_, channel, who)) = self.timers.pop_first()
        {
            let Some(typists) = self.typists.get_mut(&channel) else {
                continue;
            };
            let ended = typists.remove(&who);
            if typists.is_empty() {
                self.typists.remove(&channel);
            }
            if let Some(typist) = ended {
                self.forget(&typist, &channel, &who);
                if typist.is_typing {
                    publish("typing.stop", channel, &who, out);
                }
            }
        }
    }

    /// Removes what points to an entry.
    fn forget(&mut self, typist: &Typist, channel: &ChannelId, who: &Who) {
        self.timers
            .remove(&(typist.until, channel.clone(), who.clone()));
        if let Some(typed) = self.connections.get_mut(&typist.connection) {
            typed.remove(&(channel.clone(), who.clone()));
            if typed.is_empty() {
                self.connections.remove(&typist.connection);
            }
        }
    }
}

fn publish(kind: &str, channel: ChannelId, who: &Who, out: &mut Signals) {
    let data = Data {
        channel_id: channel.clone(),
        user_id: who.user.to_string(),
        device_id: who.device.to_string(),
    };
    let text = signal_text(&channel, kind, &data);
    out.push(channel, text, Some(who), false);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        bus::News,
        live::{Act, Live, What},
    };

    fn who(user: &str, device: &str) -> Who {
        Who {
            user: user.into(),
            device: device.into(),
        }
    }

    fn act(live: &mut Live, now: u64, connection: u64, who: Who, what: What) {
        let channel = "a".parse().unwrap();
        assert_eq!(
            live.act(now, connection, Act { who, channel, what })
                .unwrap(),
            "{}"
        );
    }

    /// What was published: `+` and `-` with the user and the device.
    fn published(live: &mut Live) -> Vec<String> {
        let one = |news| {
            let News::Signal(signal) = news else {
                panic!("{news:?}");
            };
            let text: Value = serde_json::from_str(&signal.text).unwrap();
            let event = &text["signal"]["event"];
            let data = &event["data"];
            assert_eq!(
                (&text["signal"]["channel"], &data["channelId"]),
                (&"a".into(), &"a".into())
            );
            let (user, device) = signal.except.clone().unwrap();
            assert_eq!(
                (&data["userId"], &data["deviceId"]),
                (&(*user).into(), &(*device).into())
            );
            let sign = if event["type"] == "typing.start" {
                '+'
            } else {
                '-'
            };
            format!("{sign}{user}/{device}")
        };
        live.take_signals().into_iter().map(one).collect()
    }

    #[test]
    fn who_goes_on_typing_is_published_now_and_then_and_no_longer_than_it_lasts() {
        let mut live = Live::default();
        let ada = || who("ada", "1");
        for now in (0..=4_000).step_by(100) {
            act(&mut live, now, 1, ada(), What::StartTyping);
        }
        assert_eq!(published(&mut live), ["+ada/1"; 3], "every two seconds");
        assert_eq!(live.next_timeout(), Some(12_000));
        live.timeout(11_999);
        assert!(published(&mut live).is_empty());
        live.timeout(12_000);
        assert_eq!(published(&mut live), ["-ada/1"]);
        assert_eq!(live.next_timeout(), None);
        act(&mut live, 12_000, 1, ada(), What::StopTyping);
        assert!(published(&mut live).is_empty(), "it has stopped");
    }

    #[test]
    fn who_starts_and_stops_again_and_again_is_published_once_in_a_while() {
        let mut live = Live::default();
        for now in 0..1_999 {
            live.timeout(now);
            act(&mut live, now, 1, who("ada", "1"), What::StartTyping);
            act(&mut live, now, 1, who("ada", "1"), What::StopTyping);
        }
        assert_eq!(published(&mut live), ["+ada/1", "-ada/1"]);
        live.timeout(2_000);
        act(&mut live, 2_000, 1, who("ada", "1"), What::StartTyping);
        assert_eq!(published(&mut live), ["+ada/1"]);
    }

    #[test]
    fn typing_ends_with_the_connection_unless_another_one_has_taken_over() {
        let mut live = Live::default();
        act(&mut live, 0, 1, who("ada", "1"), What::StartTyping);
        act(&mut live, 0, 1, who("ada", "2"), What::StartTyping);
        act(&mut live, 100, 2, who("ada", "1"), What::StartTyping);
        assert_eq!(published(&mut live), ["+ada/1", "+ada/2"]);
        live.gone(1);
        assert_eq!(published(&mut live), ["-ada/2"]);
        live.gone(1);
        live.gone(2);
        assert_eq!(published(&mut live), ["-ada/1"]);
        live.timeout(2_000);
        assert_eq!(live.next_timeout(), None, "nothing is left");
        assert!(live.typing.typists.is_empty() && live.typing.connections.is_empty());
    }

    #[test]
    fn so_many_type_at_once_in_a_channel_and_no_more_are_published() {
        let mut live = Live::default();
        for number in 0..100 {
            act(
                &mut live,
                0,
                number,
                who("ada", &number.to_string()),
                What::StartTyping,
            );
        }
        assert_eq!(published(&mut live).len(), MOST);
        live.timeout(EXPIRY_MS);
        assert_eq!(published(&mut live).len(), MOST, "all have stopped");
        act(
            &mut live,
            EXPIRY_MS,
            99,
            who("ada", "99"),
            What::StartTyping,
        );
        assert_eq!(published(&mut live), ["+ada/99"]);
    }
}
