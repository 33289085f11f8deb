//! Tokens: fetched from the app, which may fail, be slow, or hand out old ones.

use alo_chat::core::{CallId, Input};

use crate::{
    client::{Call, Event},
    world::{self, World},
};

impl World {
    /// Asks for the token, as a download does.
    pub fn token(&mut self, index: usize) -> CallId {
        let call = self.clients[index].next_call(Call::Other);
        let input = Input::Token {
            call,
            refused: None,
        };
        self.call(index, call, "token", input);
        call
    }

    /// The app's `authToken` is called.
    pub(crate) fn fetch_token(&mut self, index: usize) {
        let page = self.page(index);
        let mut delay = self.latency() * 2;
        let result = if self.happens(self.profile.token_errors) {
            match self.rng.u8(..4) {
                0 => {
                    self.counts.add("fault: token late");
                    delay += self.rng.u64(..90_000);
                    Ok(self.new_token(index, 0))
                }
                1 => {
                    self.counts.add("fault: token old");
                    let age = self.rng.u64(..120_000);
                    Ok(self.new_token(index, age))
                }
                2 => {
                    self.counts.add("fault: token of another secret");
                    Ok("not a token".to_owned())
                }
                _ => {
                    self.counts.add("fault: token function failed");
                    Err("it failed".to_owned())
                }
            }
        } else {
            Ok(self.new_token(index, 0))
        };
        self.schedule(delay, world::Event::Client(page, Event::Token(result)));
    }
}
