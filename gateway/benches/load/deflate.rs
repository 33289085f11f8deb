//! What permessage-deflate (RFC 7692) would save and cost, on the bytes of typical pushes.

use std::{fs, time::Duration};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use crate::{Result, client, report::Report, stats};

/// English that nobody made for this.
const PROSE: &str = include_str!("../../../docs/protocol.md");
/// Events of the stream.
const EVENTS: usize = 4_000;
/// Sockets whose compressors are weighed.
const SOCKETS: usize = 200;
/// Window bits and levels: the full window, and the smallest that deflate takes, each fast and usual.
const SETTINGS: [(u8, u32); 4] = [(15, 1), (15, 6), (10, 1), (10, 6)];
/// What a sync flush ends with, which the extension leaves out.
const TAIL: &[u8] = &[0, 0, 0xFF, 0xFF];

pub fn measure(report: &mut Report) -> Result<()> {
    let pushes = pushes();
    for (frames, coalesced) in [(alone(&pushes), 1), (together(&pushes, 20), 20)] {
        let plain: usize = frames.iter().map(String::len).sum();
        let each = plain as f64 / EVENTS as f64;
        let name = format!("deflate/{coalesced}-a-frame");
        report.add(format!("{name}/plain"), "bytes each", each, "of an event");
        for (bits, level) in SETTINGS {
            for takeover in [true, false] {
                let (bytes, took) = compress(&frames, bits, level, takeover)?;
                let kept = if takeover { "kept" } else { "reset" };
                let name = format!("{name}/window-{bits}-level-{level}-{kept}");
                let share = bytes as f64 / plain as f64;
                report.add(format!("{name}/size"), "of plain", share, "");
                let each = took.as_secs_f64() * 1e6 / EVENTS as f64;
                report.add(
                    format!("{name}/cpu"),
                    "µs an event",
                    each,
                    "to compress, for each socket",
                );
            }
        }
    }
    for (bits, level) in SETTINGS {
        let bytes = weigh(bits, level, &pushes)?;
        let name = format!("deflate/window-{bits}-level-{level}/memory");
        report.add(
            name,
            "bytes a socket",
            bytes,
            "one that has sent and received",
        );
    }
    Ok(())
}

/// Pushes whose messages are sentences of different lengths.
fn pushes() -> Vec<String> {
    let words: Vec<_> = PROSE
        .split(|c: char| !(c.is_alphanumeric() || ",.'".contains(c)))
        .filter(|word| !word.is_empty())
        .collect();
    (0..EVENTS)
        .map(|event| {
            // Lengths from 3 to 25 words, starting anywhere: no two alike in a row.
            let (start, length) = (event * 37 % words.len(), 3 + event * 11 % 23);
            let text: Vec<_> = words
                .iter()
                .cycle()
                .skip(start)
                .take(length)
                .copied()
                .collect();
            client::push_of(event as u64, &text.join(" "))
        })
        .collect()
}

fn alone(pushes: &[String]) -> Vec<String> {
    pushes.to_vec()
}

fn together(pushes: &[String], count: usize) -> Vec<String> {
    pushes
        .chunks(count)
        .map(|chunk| format!("[{}]", chunk.join(",")))
        .collect()
}

/// Bytes that went out, and how long it took.
fn compress(frames: &[String], bits: u8, level: u32, takeover: bool) -> Result<(usize, Duration)> {
    let mut deflate = Compress::new_with_window_bits(Compression::new(level), false, bits);
    let mut inflate = Decompress::new_with_window_bits(false, bits);
    let (mut bytes, mut took) = (0, 0);
    let (mut out, mut back) = (Vec::new(), Vec::new());
    for frame in frames {
        let started = stats::now();
        if !takeover {
            deflate.reset();
        }
        message(&mut deflate, frame, &mut out)?;
        took += stats::now() - started;
        bytes += out.len() - TAIL.len();
        if !takeover {
            inflate.reset(false);
        }
        back.clear();
        back.reserve(frame.len() + 16);
        inflate.decompress_vec(&out, &mut back, FlushDecompress::Sync)?;
        if back != frame.as_bytes() {
            return Err("what was compressed did not come back".into());
        }
    }
    Ok((bytes, Duration::from_nanos(took)))
}

/// One message, flushed.
fn message(deflate: &mut Compress, frame: &str, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    // Incompressible bytes grow by less.
    out.reserve(frame.len() + 64);
    deflate.compress_vec(frame.as_bytes(), out, FlushCompress::Sync)?;
    if out.ends_with(TAIL) {
        Ok(())
    } else {
        Err("a message did not fit".into())
    }
}

/// Memory of one socket's two contexts, by what this process grows.
fn weigh(bits: u8, level: u32, pushes: &[String]) -> Result<f64> {
    let (mut out, mut back) = (Vec::new(), Vec::with_capacity(4_096));
    let mut sockets = Vec::with_capacity(SOCKETS);
    let before = rss()?;
    for _ in 0..SOCKETS {
        let mut deflate = Compress::new_with_window_bits(Compression::new(level), false, bits);
        let mut inflate = Decompress::new_with_window_bits(false, bits);
        for push in pushes.iter().take(200) {
            message(&mut deflate, push, &mut out)?;
            back.clear();
            inflate.decompress_vec(&out, &mut back, FlushDecompress::Sync)?;
        }
        sockets.push((deflate, inflate));
    }
    Ok(rss()?.saturating_sub(before) as f64 / sockets.len() as f64)
}

fn rss() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.ok_or("an odd /proc/self/status")?.parse::<u64>()? * 1_024)
}
