//! Remains of removed rows in the database's file.
//!
//! With `secure_delete` SQLite overwrites a row that is deleted, but not the copies it has left before in the unused
//! part of pages, when rows moved to other pages. Here the unused parts are overwritten, page by page
//! (<https://www.sqlite.org/fileformat2.html#b_tree_pages>, <https://www.sqlite.org/dbpage.html>).

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// Pages looked through at a time: a few milliseconds.
const PAGES: u64 = 256;
/// In a file of fewer pages, nothing else than a page of a B-tree begins with the type of one: overflow pages and
/// those of the free list begin with the number of a page.
const MOST_PAGES: u64 = 0x0200_0000;

/// Overwrites the unused parts of some pages. Returns the page to go on with, `None` at the end of the file.
pub(super) fn overwrite(connection: &mut Connection, from: u64) -> rusqlite::Result<Option<u64>> {
    let pages: u64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    if pages >= MOST_PAGES || !has_pages(connection)? {
        connection.execute_batch("VACUUM")?;
        return Ok(None);
    }
    let (first, end) = (from.max(1), from.max(1) + PAGES);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for page in first..end.min(pages + 1) {
        let bytes: Option<Vec<u8>> = transaction
            .prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?
            .query_row([page], |row| row.get(0))
            .optional()?;
        let Some(mut bytes) = bytes else { continue };
        if clear(&mut bytes, if page == 1 { 100 } else { 0 }) {
            transaction
                .prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?
                .execute(params![page, bytes])?;
        }
    }
    transaction.commit()?;
    Ok((end <= pages).then_some(end))
}

/// Whether this SQLite can read and write pages as such.
fn has_pages(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM pragma_module_list WHERE name = 'sqlite_dbpage'")?
        .exists([])
}

/// Overwrites the unused parts of a page of a B-tree; any other stays as it is. False if there was nothing to do.
fn clear(page: &mut [u8], header: usize) -> bool {
    unused(page, header).is_some_and(|parts| {
        let mut changed = false;
        for part in parts {
            if let Some(bytes) = page.get_mut(part)
                && bytes.iter().any(|byte| *byte != 0)
            {
                bytes.fill(0);
                changed = true;
            }
        }
        changed
    })
}

/// The unused parts of a page: between the pointers to its cells and the cells, and within the blocks that are free
/// among these. `None` if it is no page of a B-tree, or a broken one.
fn unused(page: &[u8], header: usize) -> Option<Vec<std::ops::Range<usize>>> {
    let number = |at: usize| {
        let bytes = page.get(at..at + 2)?;
        Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    };
    let length = match page.get(header)? {
        0x02 | 0x05 => 12,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let pointers = header + length + 2 * number(header + 3)?;
    let cells = match number(header + 5)? {
        0 => 65_536,
        cells => cells,
    };
    if pointers > cells || cells > page.len() {
        return None;
    }
    let mut parts = Vec::new();
    parts.push(pointers..cells);
    let mut block = number(header + 1)?;
    while block != 0 {
        let (next, size) = (number(block)?, number(block + 2)?);
        // In order, and behind the beginning of the cells.
        if block < cells || size < 4 || block + size > page.len() || (next != 0 && next <= block) {
            return None;
        }
        parts.push(block + 4..block + size);
        block = next;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_no_part_of_a_tree_or_broken_stay_as_they_are() {
        for start in [
            &[0, 0, 0, 7][..],
            &[0x0d, 0, 0, 0xff, 0xff, 0, 9, 0],
            &[0x0d, 0, 200, 0, 1, 0, 100, 0],
            &[],
        ] {
            let mut page = vec![7; 512];
            page[..start.len()].copy_from_slice(start);
            // A block of no size.
            page[200..204].fill(0);
            let before = page.clone();
            assert!(!clear(&mut page, 0), "{start:?}");
            assert_eq!(page, before);
        }
    }

    #[test]
    fn only_what_no_cell_uses_is_overwritten() {
        let mut page = vec![7; 512];
        // A leaf with one cell at 400, and a free block of 20 bytes at 450.
        page[..10].copy_from_slice(&[0x0d, 1, 0xc2, 0, 1, 1, 0x90, 0, 1, 0x90]);
        page[450..454].copy_from_slice(&[0, 0, 0, 20]);
        let before = page.clone();
        assert!(clear(&mut page, 0));
        assert!(page[10..400].iter().all(|byte| *byte == 0));
        assert!(page[454..470].iter().all(|byte| *byte == 0));
        assert_eq!(page[..10], before[..10]);
        assert_eq!(page[400..454], before[400..454]);
        assert_eq!(page[470..], before[470..]);
        assert!(!clear(&mut page, 0));
    }
}
