//! Parts of documents that are generated stand between markers.

/// The text with what stands between two markers replaced; `None` without them.
pub fn replaced(text: &str, begin: &str, end: &str, generated: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{generated}{end}{after}"))
}
