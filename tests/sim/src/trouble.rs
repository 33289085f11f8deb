//! What goes wrong, and what users do meanwhile.

use alo_protocol::ChannelId;

use crate::{
    Violation, client,
    world::{Event, World},
};

/// Something that comes again and again, at random times.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Act(usize),
    Cut,
    Offline,
    Online(usize),
    Crash,
    Copy,
    Hole,
    Theft,
    Restrict,
    Erase,
    Freeze,
    Stall,
    Reload,
    Hide,
    Show(usize),
}

impl World {
    /// The channels of this world.
    pub fn channels(&self) -> Vec<ChannelId> {
        // Letters are channel ids.
        (0..self.profile.channels)
            .filter_map(|index| match ["a", "b", "c", "d"].get(index) {
                Some(letter) => letter.parse().ok(),
                None => format!("channel {index}").parse().ok(),
            })
            .collect()
    }

    /// Cuts all connections of a client.
    pub fn cut_client(&mut self, client: usize) {
        let links: Vec<_> = self.clients[client].sockets.values().copied().collect();
        for link in links {
            self.cut(link);
        }
    }

    /// Takes a client's network away, or gives it back.
    pub fn set_offline(&mut self, client: usize, offline: bool) {
        if offline {
            self.clients[client].offline = true;
            self.cut_client(client);
        } else {
            self.online(client);
        }
    }

    /// Kills the gateway; it starts again after so many milliseconds.
    pub fn kill_gateway(&mut self, down_ms: u64) {
        self.stop_gateway(false, down_ms);
    }

    /// Freezes a page for so long.
    pub fn freeze(&mut self, client: usize, ms: u64) {
        // One that is frozen stays so: what waits for its end must keep its order.
        if self.clients[client].frozen_until > self.now {
            return;
        }
        let until = self.now + ms;
        self.note(|| format!("client {client} is frozen until {until}"));
        self.clients[client].frozen_until = until;
        let page = self.page(client);
        self.schedule_at(until, Event::Client(page, client::Event::Wake));
    }

    pub(crate) fn start_trouble(&mut self) {
        for client in 0..self.clients.len() {
            self.come_again(self.profile.action_every, Trouble::Act(client));
        }
        self.come_again(self.profile.cut_every, Trouble::Cut);
        self.come_again(self.profile.offline_every, Trouble::Offline);
        self.come_again(self.profile.crash_every, Trouble::Crash);
        self.come_again(self.profile.copy_every, Trouble::Copy);
        self.come_again(self.profile.hole_every, Trouble::Hole);
        self.come_again(self.profile.theft_every, Trouble::Theft);
        self.come_again(self.profile.restrict_every, Trouble::Restrict);
        self.come_again(self.profile.erase_every, Trouble::Erase);
        self.come_again(self.profile.freeze_every, Trouble::Freeze);
        self.come_again(self.profile.stall_every, Trouble::Stall);
        self.come_again(self.profile.reload_every, Trouble::Reload);
        self.come_again(self.profile.hide_every, Trouble::Hide);
    }

    /// Everything works again, and everyone is there.
    pub(crate) fn end_trouble(&mut self) {
        // Readers far behind must have time to catch up, an event at a time if pages are that small.
        let most = 20 * u64::try_from(self.profile.page).unwrap_or(u64::MAX / 20);
        self.profile.read_ms = self.profile.read_ms.min(most);
        self.lift_restrictions();
        for index in 0..self.clients.len() {
            let host = &mut self.clients[index];
            // Who is frozen thaws in his own time: what waits for him must come before what is new.
            (host.offline, host.hidden) = (false, false);
            let page = self.page(index);
            self.schedule(1, Event::Client(page, client::Event::Wake));
        }
        for link in self.open_links() {
            self.stall(link, 0);
        }
    }

    /// Who is connected has received everything, though nothing more is said.
    pub(crate) fn silence(&mut self) {
        // A lost event is noticed with the next.
        if self.counts.get("fault: events lost on a connection") > 0 {
            return;
        }
        for index in 0..self.clients.len() {
            if self.clients[index].connected {
                let verdict = self.oracle.up_to_date(self.page(index));
                self.check(verdict);
            }
        }
    }

    /// Everyone who reads still reads: what is said now is heard, and with it all before it.
    pub(crate) fn first_words(&mut self) -> Result<(), Box<Violation>> {
        for index in 0..self.clients.len() {
            // Some had stopped.
            self.connect(index);
        }
        self.run(60_000)?;
        // Where an outbox takes few at a time, no channel must go without.
        for some in self.channels().chunks(self.profile.outbox) {
            for channel in some {
                self.send(0, channel, None, &[]);
            }
            self.run(20_000)?;
        }
        self.quiet()?;
        for index in 0..self.clients.len() {
            let verdict = self.oracle.up_to_date(self.page(index));
            self.check(verdict);
        }
        Ok(())
    }

    /// Lets time pass until what rates have held back is said, and then so much that all have received it.
    fn quiet(&mut self) -> Result<(), Box<Violation>> {
        for _ in 0..60 {
            if !self.oracle.is_sending() {
                break;
            }
            self.run(20_000)?;
        }
        self.run(60_000)
    }

    /// Much is said, and then nothing: whoever fell behind meanwhile must catch up without another word.
    pub(crate) fn outbursts(&mut self) -> Result<(), Box<Violation>> {
        let channels = self.channels();
        for _ in 0..6 {
            for _ in 0..self.rng.u32(1..60) {
                let client = self.rng.usize(..self.clients.len());
                let channel = &channels[self.rng.usize(..channels.len())];
                self.send(client, channel, None, &[]);
                let ms = self.rng.u64(..8);
                self.run(ms)?;
            }
            self.quiet()?;
            for index in 0..self.clients.len() {
                let verdict = self.oracle.up_to_date(self.page(index));
                self.check(verdict);
            }
        }
        Ok(())
    }

    /// Everyone joins anew just while the last messages are sent: what falls between the two has nothing
    /// behind it that would give it away.
    pub(crate) fn last_words(&mut self) -> Result<(), Box<Violation>> {
        let channels = self.channels();
        for index in 0..self.clients.len() {
            self.unsubscribe(index, &channels);
            // Storage that failed is asked again with the next welcome. Others go on as they are: a new
            // connection would mend what may be wrong with the old one.
            if self.has_left(index) {
                self.cut_client(index);
            }
        }
        self.run(60_000)?;
        for index in 0..self.clients.len() {
            self.subscribe(index, &channels);
            for channel in &channels {
                let ms = self.rng.u64(..20);
                self.run(ms)?;
                self.send(index, channel, None, &[]);
            }
        }
        self.walk_some_history();
        Ok(())
    }

    /// What must be true when all is healed.
    pub(crate) fn account(&mut self) {
        let calls: Vec<_> = (0..self.clients.len())
            .map(|index| self.connect(index))
            .collect();
        // Those that had stopped take up what they read.
        let _ = calls;
        if let Err(violation) = self.run(10 * 60_000) {
            self.failed.get_or_insert(violation);
            return;
        }
        for index in 0..self.clients.len() {
            let verdict = self.oracle.settled_all(self.page(index));
            self.check(verdict);
            self.check_reads(self.page(index));
        }
        let verdict = self.oracle.sends.kept();
        self.check(verdict);
        self.check_disks();
        self.check_store();
    }

    pub(crate) fn trouble_comes(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Online(client) => return self.online(client),
            Trouble::Show(client) => {
                self.clients[client].hidden = false;
                return self.wake(client);
            }
            Trouble::Act(_)
            | Trouble::Cut
            | Trouble::Offline
            | Trouble::Crash
            | Trouble::Copy
            | Trouble::Hole
            | Trouble::Theft
            | Trouble::Restrict
            | Trouble::Erase
            | Trouble::Freeze
            | Trouble::Stall
            | Trouble::Reload
            | Trouble::Hide => {}
        }
        if !self.is_bad {
            return;
        }
        let client = self.rng.usize(..self.clients.len());
        match trouble {
            Trouble::Act(client) => {
                self.act(client);
                self.come_again(self.profile.action_every, trouble);
            }
            Trouble::Cut => {
                let links = self.open_links();
                if !links.is_empty() {
                    self.counts.add("fault: connection cut");
                    let link = links[self.rng.usize(..links.len())];
                    self.note(|| format!("{link:?} is cut"));
                    self.cut(link);
                }
                self.come_again(self.profile.cut_every, trouble);
            }
            Trouble::Offline => {
                self.go_offline(client);
                self.come_again(self.profile.offline_every, trouble);
            }
            Trouble::Crash => {
                let graceful = self.rng.u32(..1_000) < self.profile.graceful;
                let down = if self.rng.bool() {
                    self.rng.u64(1..500)
                } else {
                    self.rng.u64(1..30_000)
                };
                self.stop_gateway(graceful, down);
                self.come_again(self.profile.crash_every, trouble);
            }
            Trouble::Copy => {
                if self.gateway.up {
                    self.copy_database();
                }
                self.come_again(self.profile.copy_every, trouble);
            }
            Trouble::Hole => {
                self.lose_some_message();
                self.come_again(self.profile.hole_every, trouble);
            }
            Trouble::Theft => {
                self.steal_key();
                self.come_again(self.profile.theft_every, trouble);
            }
            Trouble::Restrict => {
                self.restrict_someone();
                self.come_again(self.profile.restrict_every, trouble);
            }
            Trouble::Erase => {
                self.erase_something();
                self.come_again(self.profile.erase_every, trouble);
            }
            Trouble::Freeze => {
                self.counts.add("fault: tab frozen or machine asleep");
                let ms = self.rng.u64(..180_000);
                self.freeze(client, ms);
                self.come_again(self.profile.freeze_every, trouble);
            }
            Trouble::Stall => {
                let links = self.open_links();
                if !links.is_empty() {
                    self.counts.add("fault: reader takes nothing");
                    let (link, ms) = (links[self.rng.usize(..links.len())], self.rng.u64(..40_000));
                    self.stall(link, ms);
                }
                self.come_again(self.profile.stall_every, trouble);
            }
            Trouble::Reload => {
                self.reload(client);
                self.come_again(self.profile.reload_every, trouble);
            }
            Trouble::Hide => {
                self.counts.add("fault: page hidden");
                self.clients[client].hidden = true;
                let ms = self.rng.u64(..300_000);
                self.schedule(ms, Event::Trouble(Trouble::Show(client)));
                self.come_again(self.profile.hide_every, trouble);
            }
            Trouble::Online(_) | Trouble::Show(_) => {}
        }
    }

    fn come_again(&mut self, every: u64, trouble: Trouble) {
        if every > 0 {
            let delay = 1 + self.rng.u64(..every * 2);
            self.schedule(delay, Event::Trouble(trouble));
        }
    }

    fn go_offline(&mut self, client: usize) {
        self.counts.add("fault: client offline");
        self.note(|| format!("client {client} is offline"));
        self.set_offline(client, true);
        let ms = self.rng.u64(..60_000);
        self.schedule(ms, Event::Trouble(Trouble::Online(client)));
    }

    fn online(&mut self, client: usize) {
        self.note(|| format!("client {client} is online"));
        self.clients[client].offline = false;
        if self.rng.u8(..) < 200 {
            self.wake(client);
        }
    }

    fn wake(&mut self, client: usize) {
        let page = self.page(client);
        self.schedule(0, Event::Client(page, client::Event::Wake));
    }

    fn act(&mut self, client: usize) {
        // Nobody clicks in a frozen tab.
        if self.clients[client].frozen_until > self.now {
            return;
        }
        let channels = self.channels();
        let channel = channels[self.rng.usize(..channels.len())].clone();
        if self.rng.u32(..500) == 0 {
            // Much at once.
            for _ in 0..300 {
                self.send(client, &channel, None, &[]);
            }
        }
        match self.rng.u8(..100) {
            52..58 => self.read_something(client, &channel),
            0..52 => {
                let pick = self.rng.usize(..1_000_000);
                let parent = self
                    .oracle
                    .some_message(&channel, pick)
                    .filter(|_| pick.is_multiple_of(4));
                self.send(client, &channel, parent, &[]);
            }
            58..60 => self.load_history(client, channel),
            60..66 => {
                let count = self.rng.usize(1..3);
                let sizes: Vec<_> = (0..count)
                    .map(|_| {
                        let most = 1 << self.rng.u8(4..27);
                        self.rng.u64(1..=most)
                    })
                    .collect();
                self.send(client, &channel, None, &sizes);
            }
            66..80 => {
                let some = if self.rng.bool() {
                    vec![channel]
                } else {
                    channels
                };
                self.subscribe(client, &some);
            }
            80..86 => {
                self.unsubscribe(client, &[channel]);
            }
            86..90 => {
                let call = self.last_call(client);
                self.abort(client, call);
            }
            90..92 => {
                self.connect(client);
            }
            92..94 => {
                self.disconnect(client);
            }
            94..97 => {
                self.token(client);
            }
            97..99 => self.count_messages(client),
            _ => self.wake(client),
        }
    }
}
