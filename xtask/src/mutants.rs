//! `cargo xtask mutants`: proves that the simulation can find what it looks for. Faults are planted in a
//! copy of the product, one at a time, and each must be caught.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{process, workspace};

/// Options of `cargo xtask mutants`.
#[derive(Args)]
pub struct Options {
    /// Plants only this fault, by name; can be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Steps after which a fault counts as missed
    #[arg(long, default_value_t = 20_000_000)]
    steps: u64,
}

/// A fault: texts that occur once in a file, and their replacements.
struct Mutant {
    name: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
    also: Option<(&'static str, &'static str)>,
}

impl Mutant {
    /// The file's text with the fault; `None` if it cannot be planted.
    fn plant(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for (find, replace) in [(self.find, self.replace)].into_iter().chain(self.also) {
            if text.matches(find).count() != 1 {
                return None;
            }
            text = text.replace(find, replace);
        }
        Some(text)
    }
}

const fn mutant(
    name: &'static str,
    file: &'static str,
    find: &'static str,
    replace: &'static str,
) -> Mutant {
    Mutant {
        name,
        file,
        find,
        replace,
        also: None,
    }
}

const MUTANTS: [Mutant; 57] = [
    mutant(
        "the key of a deleted message is forgotten",
        "gateway/src/store/rules/send.rs",
        "if log.gone_keys.contains(&draft.key) {",
        "if log.gone_keys.contains(&draft.key) && draft.key == draft.id {",
    ),
    mutant(
        "a page of history shows what is cut off and not removed yet",
        "gateway/src/store/sqlite/read.rs",
        "m.seq < ?2 AND m.seq > ?3 ORDER BY m.seq DESC",
        "m.seq < ?2 AND ?3 >= 0 ORDER BY m.seq DESC",
    ),
    mutant(
        "a deletion is a hole in the replay",
        "gateway/src/store/sqlite/write.rs",
        "UPDATE events SET kind = 2 WHERE",
        "UPDATE events SET kind = kind WHERE",
    ),
    mutant(
        "a message stored before is answered with the failure of its resend",
        "gateway/src/store/rules/mod.rs",
        "send::known(&loaded, draft).unwrap_or_else",
        "send::known(&loaded, draft).filter(|_| false).unwrap_or_else",
    ),
    mutant(
        "an upload waits for ever for a connection that is half open",
        "src/core/upload.rs",
        "deadline: now.plus(REQUEST_MS),",
        "deadline: now.plus(REQUEST_MS * 1_000_000),",
    ),
    mutant(
        "an event that came before is delivered again",
        "src/core/subscriptions.rs",
        "Ordering::Less => Verdict::Drop,",
        "Ordering::Less => Verdict::Deliver,",
    ),
    mutant(
        "a hole in the sequence is ignored",
        "src/core/subscriptions.rs",
        "Ordering::Greater => Verdict::Resume,",
        "Ordering::Greater => Verdict::Drop,",
    ),
    mutant(
        "the cursor does not move with an event",
        "src/core/subscriptions.rs",
        "cursor.seq = seq;\n                Verdict::Deliver",
        "Verdict::Deliver",
    ),
    mutant(
        "a message is sent again under another key",
        "src/core/client/exchange.rs",
        "key: entry.key,",
        "key: alo_protocol::Uuid::v7(u64::from(socket.0), [entry.key.as_bytes()[15]; 10]),",
    ),
    mutant(
        "what was in flight is forgotten when the connection is lost",
        "src/core/outbox.rs",
        "if entry.state == State::InFlight {",
        "if false {",
    ),
    mutant(
        "a message that may be stored can be aborted",
        "src/core/outbox.rs",
        "entry.call == call && !entry.tried",
        "entry.call == call && entry.state != State::InFlight",
    ),
    mutant(
        "a late reply restores a channel left since",
        "src/core/client/exchange.rs",
        "if pending.decides(&recovery.channel)",
        "if true",
    ),
    mutant(
        "a silent connection is never probed",
        "src/core/client/link.rs",
        "Connection::Online { .. } => self.ping(now, PONG_MS),",
        "Connection::Online { .. } => {}",
    ),
    mutant(
        "calls stay open when the client stops",
        "src/core/client/mod.rs",
        "for pending in std::mem::take(&mut self.pending) {",
        "for pending in std::mem::take(&mut self.pending).into_iter().take(0) {",
    ),
    mutant(
        "a message of an earlier page is sent under another key",
        "src/core/client/restore.rs",
        "entries.push(Entry {\n                call,\n                key,",
        "entries.push(Entry {\n                call,\n                key: alo_protocol::Uuid::v7(0, [key.as_bytes()[15]; 10]),",
    ),
    mutant(
        "storage keeps a message that is answered",
        "src/core/client/mod.rs",
        "if self.restore.is_kept() {\n            let forget",
        "if false {\n            let forget",
    ),
    mutant(
        "a file counts as complete before its end",
        "src/core/upload.rs",
        "if offset == self.meta.size {",
        "if offset > self.meta.size / 2 {",
    ),
    mutant(
        "a send is answered without a commit",
        "gateway/src/store/sqlite/mod.rs",
        "transaction.commit().map_err(sqlite_error)?;\n            Ok((answers, commits))",
        "drop(transaction);\n            Ok((answers, commits))",
    ),
    mutant(
        "the store does not know a key again",
        "gateway/src/store/rules/send.rs",
        "log.keys.get(&draft.key)?;",
        "log.keys.get(&draft.key).filter(|_| false)?;",
    ),
    mutant(
        "time goes back with the clock",
        "gateway/src/store/rules/send.rs",
        "last_ms.saturating_sub(now_ms) <= AHEAD_MS && last_ms > now_ms",
        "false",
    ),
    mutant(
        "a subscription starts at the head, not at the cursor",
        "gateway/src/session/subscription.rs",
        "Some(cursor) if gap.is_none() => cursor.seq,",
        "Some(cursor) if gap.is_none() && cursor.seq == u64::MAX => cursor.seq,",
    ),
    mutant(
        "a log that was replaced is taken for the old one",
        "gateway/src/session/subscription.rs",
        "Some(cursor) if cursor.epoch != head.epoch => Some(GapReason::EpochChanged),\n",
        "",
    ),
    mutant(
        "what happens while the head is asked for is missed",
        "gateway/src/session/subscription.rs",
        "self.state = if from < head.seq || stirred {",
        "self.state = if from < head.seq {",
    ),
    mutant(
        "a lag of the bus is ignored",
        "gateway/src/session/subscription.rs",
        "pub(super) const fn lagged(&mut self) {\n        match &mut self.state {",
        "pub(super) const fn lagged(&mut self) {\n        if true {\n            return;\n        }\n        match &mut self.state {",
    ),
    mutant(
        "what happens while the log is read is missed",
        "gateway/src/session/subscription.rs",
        "self.state = if events.is_empty() && !stirred {",
        "self.state = if events.is_empty() {",
    ),
    mutant(
        "what earlier pages have left is sent after the page's own",
        "src/core/outbox.rs",
        "entries.append(&mut self.entries);\n        self.entries = entries;",
        "self.entries.append(&mut entries);",
    ),
    mutant(
        "a key is answered to another user",
        "gateway/src/store/rules/send.rs",
        "if row.user_id != draft.user_id {",
        "if false {",
    ),
    mutant(
        "a cursor beyond the log is not called so",
        "gateway/src/session/subscription.rs",
        "Some(GapReason::CursorAhead)\n            }\n            Some(cursor) if",
        "Some(GapReason::EpochChanged)\n            }\n            Some(cursor) if",
    ),
    mutant(
        "an event of another epoch is dropped in silence",
        "src/core/subscriptions.rs",
        "if cursor.epoch != epoch {\n            return Verdict::Resume;",
        "if cursor.epoch != epoch {\n            return Verdict::Drop;",
    ),
    mutant(
        "more requests are sent than may be in flight",
        "src/core/client/exchange.rs",
        "let limit = self.limits.requests_in_flight;",
        "let limit = self.limits.requests_in_flight * 4;",
    ),
    mutant(
        "the bound of a connection's queue is ignored",
        "gateway/src/session/queue.rs",
        "self.items < self.most && self.bytes < BYTES",
        "self.items < usize::MAX && self.bytes < BYTES",
    ),
    mutant(
        "an older copy goes on with the life it had",
        "gateway/src/store/sqlite/mod.rs",
        "life = Some(names.life.clone());",
        "life = life.filter(|_| true);",
    ),
    mutant(
        "a witness that is behind begins a new life",
        "gateway/src/store/life.rs",
        "let missing = witness.commits.saturating_sub(record.commits);",
        "let missing = witness.commits.abs_diff(record.commits);",
    ),
    mutant(
        "a hole in the log is reported as its end",
        "gateway/src/store/rules/tail.rs",
        "\"events are missing\");\n        return Ok(Rows::Gap(head));",
        "\"events are missing\");\n        return Ok(Rows::Events(page));",
    ),
    mutant(
        "a reader is left before a hole",
        "gateway/src/session/subscription.rs",
        "self.next = head.seq + 1;",
        "",
    ),
    mutant(
        "a page of history is older than its cursor",
        "gateway/src/store/rules/history.rs",
        "let run = gather(rows, Beyond::Older(u64::MAX), room)?;",
        "let run = gather(rows, Beyond::Older(cursor.seq), room)?;",
    ),
    mutant(
        "a page's token is of the wrong side",
        "gateway/src/store/rules/history.rs",
        "older_page_token: older.map(OlderPageToken),",
        "older_page_token: newer.map(OlderPageToken),",
    ),
    mutant(
        "questions are not asked again on the next connection",
        "src/core/asked.rs",
        "asked.sent = false;",
        "asked.sent |= asked.again;",
    ),
    mutant(
        "hints are not published",
        "gateway/src/writer/batching.rs",
        ".map(|committed| committed.notice.clone().into())",
        ".filter(|committed| committed.event().is_some())\n                    .map(|committed| committed.notice.clone().into())",
    ),
    mutant(
        "hints are ignored",
        "gateway/src/session/subscription.rs",
        "if !is_known {",
        "if false {",
    ),
    mutant(
        "one member of a log is left out",
        "gateway/src/bus/hub.rs",
        "members.into_iter().flat_map(BTreeMap::values)",
        "members.into_iter().flat_map(|members| members.values().skip(1))",
    ),
    mutant(
        "one commit answers the one for the other",
        "gateway/src/writer/batching.rs",
        "let answers = whose.into_iter().zip(results);",
        "let answers = whose.into_iter().rev().zip(results);",
    ),
    mutant(
        "a send refused for a while is given up",
        "src/core/client/exchange.rs",
        "&& self.waits(now, id, purpose, ms)",
        "&& self.waits(now, id, purpose, ms)\n            && !is_command(&purpose)",
    ),
    mutant(
        "a send refused for a while is forgotten",
        "src/core/outbox.rs",
        "refused.map(|entry| entry.state = State::Ready).is_some()",
        "refused.is_some()",
    ),
    mutant(
        "sends go on while the refusals of earlier ones are on their way",
        "src/core/rate.rs",
        "if *self == Self::Clearing && unanswered == 0 {",
        "if *self == Self::Clearing {",
    ),
    mutant(
        "a send is accepted although one before it was refused for a while",
        "gateway/src/session/rates.rs",
        "&& !self.refused.is_empty()",
        "&& false",
    ),
    mutant(
        "a ban leaves the channel's readers what they have",
        "gateway/src/access/view.rs",
        "is_mine(user) && holder.channels.contains(channel),\n                    Concern::Reading",
        "is_mine(user) && !holder.channels.contains(channel),\n                    Concern::Reading",
    ),
    mutant(
        "a mark goes back",
        "gateway/src/store/rules/reads.rs",
        "(seq <= read).then(",
        "(seq == read).then(",
    ),
    mutant(
        "deleted messages stay unread",
        "gateway/src/store/sqlite/read.rs",
        "FROM tombstones WHERE log = ?1 AND seq > ?2)",
        "FROM tombstones WHERE log = ?1 AND seq > ?2 AND seq < 0)",
    ),
    mutant(
        "what is cut off is counted",
        "gateway/src/store/sqlite/read.rs",
        "AND at_ms > ?2 AND seq > ?3 LIMIT ?4",
        "AND at_ms > ?2 AND seq > min(?3, 0) LIMIT ?4",
    ),
    mutant(
        "a muted user sends",
        "gateway/src/methods/send.rs",
        ".authorize_send(&params.channel_id",
        ".authorize(&params.channel_id",
    ),
    mutant(
        "the answer to a resume is ignored",
        "src/core/client/exchange.rs",
        "if self.subscriptions.is_resumed_by(id, &recovery.channel) {",
        "if false {",
    ),
    mutant(
        "a resume that fails is taken for answered",
        "src/core/client/exchange.rs",
        "if self.subscriptions.await_answer(id) {",
        "if false {",
    ),
    mutant(
        "the last channels of a resume are left out",
        "src/core/subscriptions.rs",
        "resumed.push((one.channel.clone(), one.cursor.clone()));",
        "if resumed.len() < 50 { resumed.push((one.channel.clone(), one.cursor.clone())); } else { one.state = State::Live; }",
    ),
    mutant(
        "a channel is lost where a long list is split",
        "src/core/client/mod.rs",
        "let rest = channels.split_off(fit);",
        "let rest = channels.split_off(fit).into_iter().skip(1).collect::<Vec<_>>();",
    ),
    mutant(
        "what was confirmed of a call that fails stays subscribed",
        "src/core/subscriptions.rs",
        "self.0.remove(index);\n                true",
        "true",
    ),
    Mutant {
        name: "the bus is joined only when the heads are read",
        file: "gateway/src/session/mod.rs",
        find: "for channel in open.join(op, &wanted) {\n            let log = open.identity.log(&channel);\n            self.outputs.push_back(Output::Join(log));\n        }",
        replace: "open.join(op, &wanted);",
        also: Some((
            "let channels = open.start(op, wall_ms, wanted, heads);",
            "for one in &wanted {\n                    self.outputs.push_back(Output::Join(open.identity.log(&one.start.id)));\n                }\n                let channels = open.start(op, wall_ms, wanted, heads);",
        )),
    },
];

/// Plants each fault and simulates.
pub fn run(options: &Options) -> Result<()> {
    let tree = workspace::target().join("mutants/tree");
    copy(&tree)?;
    let mut missed = Vec::new();
    for one in &MUTANTS {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == one.name) {
            continue;
        }
        match plant(one, &tree, options.steps)? {
            Some(how) => println!("caught: {}\n        {how}", one.name),
            None => {
                println!("MISSED: {}", one.name);
                missed.push(one.name);
            }
        }
    }
    if !missed.is_empty() {
        bail!("{} of {} were missed", missed.len(), MUTANTS.len());
    }
    println!("all were caught");
    Ok(())
}

/// Simulates with one fault; returns the violation that caught it.
fn plant(mutant: &Mutant, tree: &Path, steps: u64) -> Result<Option<String>> {
    let path = tree.join(mutant.file);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let Some(planted) = mutant.plant(&text) else {
        bail!(
            "{}: the text to replace does not occur exactly once in {}",
            mutant.name,
            mutant.file
        );
    };
    fs::write(&path, planted)?;
    let outcome = simulate(tree, steps);
    fs::write(&path, text)?;
    outcome.with_context(|| mutant.name)
}

fn simulate(tree: &Path, steps: u64) -> Result<Option<String>> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .current_dir(tree)
            .env(
                "CARGO_TARGET_DIR",
                workspace::target().join("mutants/build"),
            )
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_MANIFEST_PATH");
        command
    };
    process::run(&mut cargo(&[
        "build",
        "--release",
        "--quiet",
        "--package",
        "alo-sim",
    ]))?;
    let output = cargo(&["run", "--release", "--quiet", "--package", "alo-sim", "--"])
        .args(["--steps", &steps.to_string()])
        .output()?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let violation = text
        .lines()
        .find_map(|line| line.strip_prefix("VIOLATION "))
        .map(ToOwned::to_owned);
    violation.map(Some).with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("the simulation fell over: {errors}")
    })
}

/// Copies what is built, so that the work tree stays as it is. Files that did not change keep their
/// times, and with them what was built of them.
fn copy(tree: &Path) -> Result<()> {
    let listed = process::capture(
        Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .args(["--", "*.rs", "*.toml", "Cargo.lock"])
            .current_dir(workspace::root()),
    )?;
    for name in listed.lines() {
        let (from, to) = (workspace::root().join(name), tree.join(name));
        let Ok(text) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        let folder = to.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        fs::create_dir_all(&folder)?;
        fs::write(&to, text).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_be_planted() {
        for one in &MUTANTS {
            let text = fs::read_to_string(workspace::root().join(one.file)).unwrap();
            assert!(one.plant(&text).is_some(), "{}", one.name);
        }
    }
}
