//! Connections: the sessions with their driver and their mailbox.

use std::collections::VecDeque;

use alo_gateway::{
    bus::{Delivery, Mailbox, News},
    limits::Visitor,
    session::{Ask, Desk, Driver, Input, Session, Write},
    store::LogId,
};
use alo_protocol::{ChannelId, Limits, Uuid};
use fastrand::Rng;

use super::Event;
use crate::{
    client,
    features::access::presented,
    network::LinkId,
    oracle::Tag,
    wire,
    world::{self, World},
};

/// One socket at the gateway.
pub(super) struct Conn {
    driver: Driver,
    desk: Desk,
    inbox: VecDeque<String>,
    mailbox: Mailbox,
    mail_is_due: bool,
    /// Answers that are not on the socket yet: each frame has one.
    owed: usize,
    /// The messages it was asked to send.
    asked: Vec<(ChannelId, Tag)>,
    timer: u32,
    /// When the last answer of the writer comes.
    pub(super) answered_at: u64,
    /// When the newest token that was presented was issued.
    issued_ms: u64,
    /// The client takes nothing until then.
    stalled_until: u64,
}

impl World {
    /// A client has closed its end.
    pub(crate) fn hang_up(&mut self, link: LinkId) {
        let latency = self.latency();
        if self.links.get(&link).is_some_and(|link| !link.dead) {
            self.schedule(latency, world::Event::Gateway(Event::HungUp(link)));
        }
    }

    pub(crate) fn stall(&mut self, link: LinkId, ms: u64) {
        let until = self.now + ms;
        if let Some(conn) = self.gateway.conns.get_mut(&link) {
            conn.stalled_until = until;
        }
    }

    pub(super) fn accept(&mut self, id: LinkId) {
        if !self.gateway.up || self.links.get(&id).is_none_or(|link| link.dead) {
            if let Some(link) = self.links.get(&id).filter(|link| !link.dead) {
                self.send_to_client(id, client::Event::Closed(link.socket, 1006));
            }
            return;
        }
        self.gateway.last_link = id.0;
        let mut rng = Rng::with_seed(self.rng.u64(..));
        let new_id = move |now_ms| {
            let mut random = [0; 10];
            rng.fill(&mut random);
            Uuid::v7(now_ms, random)
        };
        let session = Session::new(
            self.gateway.tokens.clone(),
            Limits::DEFAULT,
            Box::new(new_id),
            self.unix_ms(),
        )
        .with_queue(self.profile.queue)
        .with_visitor_held(
            Visitor::unlimited(self.gateway.limiter.clone()),
            self.profile.hold_ms,
        );
        let conn = Conn {
            driver: Driver::new(session),
            desk: Desk::default(),
            inbox: VecDeque::new(),
            mailbox: Mailbox::new(self.profile.mailbox),
            mail_is_due: false,
            owed: 0,
            asked: Vec::new(),
            timer: 0,
            answered_at: 0,
            issued_ms: 0,
            stalled_until: 0,
        };
        self.gateway.conns.insert(id, conn);
        self.accepted(id);
        self.pump(id);
    }

    /// What connections were asked to send and may hold still.
    pub(crate) fn asked_to_send(&self) -> Vec<(ChannelId, Tag)> {
        let conns = self.gateway.conns.values();
        conns.flat_map(|conn| conn.asked.iter().cloned()).collect()
    }

    /// The process is done with a connection.
    pub(super) fn drop_conn(&mut self, id: LinkId) {
        self.gateway.conns.remove(&id);
        for channel in self.channels() {
            self.gateway.hub.leave(&channel.into(), id.0);
        }
        for client in &self.clients {
            if let Ok(user) = client.user.parse() {
                self.gateway.hub.leave(&LogId::User(user), id.0);
            }
        }
        self.gateway.live.gone(id.0);
        self.live_changed();
    }

    pub(super) fn arrived(&mut self, id: LinkId, text: String) {
        let alive = self.links.get(&id).is_some_and(|link| !link.dead);
        let issued_ms = presented(&text).and_then(|token| self.gateway.issued_ms.get(&token));
        let issued_ms = issued_ms.copied().unwrap_or_default();
        if let Some(conn) = self.gateway.conns.get_mut(&id).filter(|_| alive) {
            conn.issued_ms = conn.issued_ms.max(issued_ms);
            conn.inbox.push_back(text);
            self.pump(id);
        }
    }

    pub(super) fn timer_rings(&mut self, id: LinkId, timer: u32) {
        let conn = self.gateway.conns.get(&id);
        if conn.is_some_and(|conn| conn.timer == timer) {
            self.session(id, Input::Timeout);
        }
    }

    /// Hands a session an input and does what it asks for.
    pub(super) fn session(&mut self, id: LinkId, input: Input<'_>) {
        let now = self.unix_ms();
        if let Some(conn) = self.gateway.conns.get_mut(&id)
            && conn.driver.ending().is_none()
        {
            conn.driver.handle(now, input, &mut conn.desk);
            self.pump(id);
        }
    }

    fn pump(&mut self, id: LinkId) {
        loop {
            self.carry_out(id);
            let now = self.unix_ms();
            let Some(conn) = self.gateway.conns.get_mut(&id) else {
                return;
            };
            if !conn.driver.wants_frames() {
                break;
            }
            let Some(text) = conn.inbox.pop_front() else {
                break;
            };
            conn.owed += 1;
            conn.driver.handle(now, Input::Frame(&text), &mut conn.desk);
            if let Some(asked) = wire::asked_to_send(&text) {
                conn.asked.push(asked.clone());
                self.refuse_silenced(&[asked]);
            }
        }
        self.write(id);
        self.set_session_timer(id);
    }

    fn carry_out(&mut self, id: LinkId) {
        let boot = self.gateway.boot;
        while let Some(conn) = self.gateway.conns.get_mut(&id)
            && let Some(ask) = conn.desk.next_ask()
        {
            match ask {
                Ask::Commit(op, change) => self.queue_change(change, (id, op)),
                Ask::Heads(op, logs) => {
                    let delay = self.rng.u64(..10);
                    let read = Event::ReadHeads(boot, (id, op), logs);
                    self.schedule(delay, world::Event::Gateway(read));
                }
                Ask::Read(op, query) => {
                    let delay = self.rng.u64(..10);
                    let read = Event::Read(boot, (id, op), query);
                    self.schedule(delay, world::Event::Gateway(read));
                }
                Ask::Live(op, act) => {
                    let now = self.unix_ms();
                    let answer = self.gateway.live.act(now, id.0, act);
                    if let Some(conn) = self.gateway.conns.get_mut(&id) {
                        conn.driver
                            .handle(now, Input::Live(op, answer), &mut conn.desk);
                    }
                    self.live_changed();
                }
                Ask::Join(log) => self.gateway.hub.join(log, id.0, id),
                Ask::Leave(log) => self.gateway.hub.leave(&log, id.0),
            }
        }
        let Some(conn) = self.gateway.conns.get(&id) else {
            return;
        };
        let waiting = conn.driver.waiting();
        // The page that was read last, live events up to the bound, and gaps.
        let most = self.profile.page + self.profile.queue + self.profile.channels + conn.owed;
        if waiting > most {
            self.violate(format!("{waiting} items wait for one connection"));
        }
    }

    fn set_session_timer(&mut self, id: LinkId) {
        let now = self.unix_ms();
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        conn.timer += 1;
        let timer = conn.timer;
        if let Some(deadline) = conn.driver.next_timeout() {
            self.schedule(
                deadline.saturating_sub(now),
                world::Event::Gateway(Event::Timer(id, timer)),
            );
        }
    }

    // The socket.

    fn write(&mut self, id: LinkId) {
        let (boot, now) = (self.gateway.boot, self.now);
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        let delay = conn.stalled_until.saturating_sub(now);
        match conn.driver.next_write() {
            None => return,
            Some(Write::Frame(text, items)) => {
                conn.owed = conn.owed.saturating_sub(items - unasked(&text));
                self.counts.add("frames to clients");
                let issued_ms = conn.issued_ms;
                self.check_pushes(id, issued_ms, &text);
                self.text_to_client(id, text);
            }
            // Browsers answer by themselves, even for a page that is frozen: it proves nothing.
            Some(Write::Ping) => {}
            Some(Write::Close(farewell)) => {
                self.drop_conn(id);
                if let Some(socket) = self.links.get(&id).map(|link| link.socket) {
                    self.counts.add("closes by the gateway");
                    self.note(|| format!("the gateway closes {id:?}: {}", farewell.reason));
                    self.send_to_client(id, client::Event::Closed(socket, farewell.code));
                }
                return;
            }
        }
        self.schedule(delay, world::Event::Gateway(Event::Wrote(id, boot)));
    }

    pub(super) fn wrote(&mut self, id: LinkId) {
        let now = self.unix_ms();
        if let Some(conn) = self.gateway.conns.get_mut(&id) {
            conn.driver.wrote(now, &mut conn.desk);
            self.pump(id);
        }
    }

    // What is live.

    /// Publishes what has changed, and waits for what ends next.
    pub(super) fn live_changed(&mut self) {
        let signals = self.gateway.live.take_signals();
        self.publish(&signals);
        self.gateway.live_timer += 1;
        if let Some(deadline) = self.gateway.live.next_timeout() {
            let (boot, timer) = (self.gateway.boot, self.gateway.live_timer);
            self.schedule(
                deadline.saturating_sub(self.unix_ms()),
                world::Event::Gateway(Event::LiveTimer(boot, timer)),
            );
        }
    }

    pub(super) fn live_timer_rings(&mut self, timer: u32) {
        if timer == self.gateway.live_timer {
            self.gateway.live.timeout(self.unix_ms());
            self.live_changed();
        }
    }

    // The bus.

    pub(super) fn publish(&mut self, news: &[News]) {
        let boot = self.gateway.boot;
        let (conns, counts) = (&mut self.gateway.conns, &mut self.counts);
        let mut due = Vec::new();
        self.gateway.hub.publish(news, |id, news| {
            let Some(conn) = conns.get_mut(id) else {
                return;
            };
            for news in news {
                if !conn.mailbox.put((*news).clone()) {
                    counts.add("fault: connection lagged");
                }
            }
            if !std::mem::replace(&mut conn.mail_is_due, true) {
                due.push(*id);
            }
        });
        for id in due {
            let delay = self.rng.u64(..3);
            self.schedule(delay, world::Event::Gateway(Event::Mail(id, boot)));
        }
    }

    /// One delivery of the bus.
    pub(super) fn mail(&mut self, id: LinkId) {
        let boot = self.gateway.boot;
        let Some(conn) = self.gateway.conns.get_mut(&id) else {
            return;
        };
        let delivery = conn.mailbox.take();
        conn.mail_is_due = !conn.mailbox.is_empty();
        if conn.mail_is_due {
            let delay = self.rng.u64(..2);
            self.schedule(delay, world::Event::Gateway(Event::Mail(id, boot)));
        }
        match delivery {
            Some(Delivery::News(news)) => self.session(id, Input::News(news)),
            Some(Delivery::Lagged) => self.session(id, Input::Lagged),
            // Nothing keeps what signals report.
            Some(Delivery::Missed(_)) => {}
            None => {}
        }
    }
}

/// How many items of a frame answer nothing: events and gaps.
fn unasked(text: &str) -> usize {
    let count = |key| text.matches(key).count();
    count(r#""event":{"type""#) + count(r#"{"gap":{"#)
}
