//! Many items in one frame: a browser pays for each frame far more than for an item in it.

use std::{collections::VecDeque, sync::Arc};

/// Items put into one frame at most.
const ITEMS: usize = 256;
/// Bytes likewise; one item goes out however large it is. A socket keeps a buffer as large as its largest
/// frame was, so frames are no larger than pays: forty events in one cost little more than a thousand.
const BYTES: usize = 16 * 1024;

/// Takes what fits into one frame: an item as it is, many as a JSON array. Returns the text and the number
/// of items.
pub fn next_frame(queue: &mut VecDeque<Arc<str>>) -> (String, usize) {
    let (mut count, mut bytes) = (0, 0);
    for item in queue.iter().take(ITEMS) {
        if count > 0 && bytes + item.len() > BYTES {
            break;
        }
        count += 1;
        bytes += item.len() + 1;
    }
    let mut text = String::with_capacity(bytes + 1);
    for (index, item) in queue.drain(..count).enumerate() {
        if count > 1 {
            text.push(if index == 0 { '[' } else { ',' });
        }
        text.push_str(&item);
    }
    if count > 1 {
        text.push(']');
    }
    (text, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[String]) -> VecDeque<Arc<str>> {
        items.iter().map(|item| item.as_str().into()).collect()
    }

    #[test]
    fn one_item_is_sent_as_it_is_and_many_as_an_array() {
        assert_eq!(next_frame(&mut queue(&["{}".into()])), ("{}".into(), 1));
        let mut two = queue(&["{}".into(), "1".into()]);
        assert_eq!(next_frame(&mut two), ("[{},1]".into(), 2));
        assert!(two.is_empty());
    }

    #[test]
    fn frames_are_bounded_in_items_and_bytes() {
        let mut many = queue(&vec!["1".to_owned(); ITEMS + 1]);
        assert_eq!(next_frame(&mut many).1, ITEMS);
        assert_eq!(many.len(), 1);
        let mut large = queue(&["x".repeat(BYTES + 1), "1".into()]);
        assert_eq!(next_frame(&mut large), ("x".repeat(BYTES + 1), 1));
    }
}
