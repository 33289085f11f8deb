//! Sockets between clients and the gateway.
//!
//! A link keeps the order of what goes through it. When it is cut everything under way is lost, and each
//! side hears of it at once, later, or never.

use std::rc::Rc;

use alo_chat::core::SocketId;

use crate::{
    client, gateway,
    page::PageId,
    wire,
    world::{Event, World},
};

/// One socket, over its whole life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) page: PageId,
    pub(crate) socket: SocketId,
    /// Nothing passes any more.
    pub(crate) dead: bool,
    latency: u64,
    /// When what was sent last arrives, each way.
    to_client_at: u64,
    to_gateway_at: u64,
}

impl World {
    /// A client opens a socket.
    pub(crate) fn dial(&mut self, client: usize, socket: SocketId) {
        let page = self.page(client);
        let latency = self.latency();
        if self.clients[client].offline || !self.gateway.up {
            let closed = client::Event::Closed(socket, 1006);
            return self.schedule(latency, Event::Client(page, closed));
        }
        let id = LinkId(self.order_number());
        let link = Link {
            page,
            socket,
            dead: false,
            latency,
            to_client_at: 0,
            to_gateway_at: 0,
        };
        self.links.insert(id, link);
        self.clients[client].sockets.insert(socket.0, id);
        self.schedule(latency, Event::Gateway(gateway::Event::Accept(id)));
    }

    /// The gateway has taken the socket: the client hears so.
    pub(crate) fn accepted(&mut self, id: LinkId) {
        self.send_to_client(id, client::Event::Opened(id));
    }

    pub(crate) fn send_to_gateway(&mut self, id: LinkId, text: String) {
        self.note(|| format!("{id:?} to gateway: {}", brief(&text)));
        let now = self.now;
        let jitter = self.jitter();
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.dead) else {
            return;
        };
        link.to_gateway_at = link.to_gateway_at.max(now + link.latency + jitter);
        let at = link.to_gateway_at;
        self.schedule_at(at, Event::Gateway(gateway::Event::Frame(id, text)));
    }

    /// A frame for the client; some are delivered twice, and some events, as if a gateway forgot them, never.
    pub(crate) fn text_to_client(&mut self, id: LinkId, text: String) {
        let text: Rc<str> = text.into();
        self.note(|| format!("{id:?} to client: {}", brief(&text)));
        if self.happens(self.profile.lost_events) && wire::is_events(&text) {
            self.counts.add("fault: events lost on a connection");
            return;
        }
        if self.happens(self.profile.other_epochs) && wire::is_events(&text) {
            // As from a gateway whose data were exchanged.
            self.counts.add("fault: event of another epoch");
            let text = text.replace(r#""epoch":""#, r#""epoch":"other "#);
            return self.send_to_client(id, client::Event::Frame(id, text.into()));
        }
        self.send_to_client(id, client::Event::Frame(id, text.clone()));
        // Only pushes may be repeated: a reply, a signal or a welcome is a thing of one connection.
        if text.contains(r#""event":"#)
            && !text.contains("welcome")
            && !text.contains(r#"{"signal":"#)
            && self.happens(self.profile.duplicates)
        {
            self.counts.add("fault: frame delivered twice");
            self.send_to_client(id, client::Event::Frame(id, text));
        }
    }

    pub(crate) fn send_to_client(&mut self, id: LinkId, event: client::Event) {
        let now = self.now;
        let jitter = self.jitter();
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.dead) else {
            return;
        };
        link.to_client_at = link.to_client_at.max(now + link.latency + jitter);
        let (at, page) = (link.to_client_at, link.page);
        self.schedule_at(at, Event::Client(page, event));
    }

    /// Cuts a link. Who hears of it is chance.
    pub(crate) fn cut(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.dead) else {
            return;
        };
        link.dead = true;
        let (page, socket) = (link.page, link.socket);
        if self.rng.u32(..1_000) < self.profile.half_open {
            self.counts.add("fault: half-open for the client");
        } else {
            let delay = self.rng.u64(..3_000);
            self.schedule(
                delay,
                Event::Client(page, client::Event::Closed(socket, 1006)),
            );
        }
        if self.rng.u32(..1_000) < self.profile.half_open {
            self.counts.add("fault: half-open for the gateway");
        } else {
            let delay = self.rng.u64(..3_000);
            self.schedule(delay, Event::Gateway(gateway::Event::HungUp(id)));
        }
    }

    pub(crate) fn latency(&mut self) -> u64 {
        self.rng.u64(self.profile.latency_ms.clone())
    }

    /// Now and then something takes much longer.
    fn jitter(&mut self) -> u64 {
        if self.is_bad && self.rng.u8(..) == 0 {
            self.rng.u64(..self.profile.latency_ms.end * 4)
        } else {
            0
        }
    }

    fn order_number(&mut self) -> u64 {
        self.counts.add("sockets");
        self.links
            .last_key_value()
            .map_or(0, |(id, _)| id.0 + 1)
            .max(self.gateway.next_link())
    }
}

/// The beginning of a frame, for a report.
fn brief(text: &str) -> String {
    text.chars().take(120).collect()
}
