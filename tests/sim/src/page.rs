//! Who: a page of a client, over one life.

use std::fmt;

/// One life of a client's page: with every reload comes the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId {
    /// Which client.
    pub client: usize,
    /// Which life of its page.
    pub life: u32,
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "client {}", self.client)?;
        if self.life > 0 {
            write!(f, " (life {})", self.life)?;
        }
        Ok(())
    }
}
