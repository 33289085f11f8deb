//! What every store must do: one suite, each implementation. And what a database beyond that.

mod access;
mod counts;
mod database;
mod delete;
mod files;
mod history;
mod life;
mod log;
mod migration;
mod reads;
mod send;

use alo_gateway::access::AccessRecords;
use alo_gateway::store::{
    Change, Committed, Draft, Erasure, FileRecords, FileRow, Log, LogEvent, LogId, MemoryStore,
    Notice, Opening, PageLimit, Query, Quota, Rows, SqliteStore, Store,
};
use alo_protocol::{ChannelId, Cursor, ErrorBody, ErrorCode, Uuid};
use serde_json::Value;

const ALL: PageLimit = PageLimit {
    events: 1_000,
    bytes: 1 << 30,
};

macro_rules! contract {
    ($($module:ident { $($case:ident)* })*) => {
        mod memory {
            $($(#[test] fn $case() { super::$module::$case(&mut super::Kit::memory()); })*)*
        }
        mod sqlite {
            $($(#[test] fn $case() {
                let folder = tempfile::tempdir().unwrap();
                super::$module::$case(&mut super::Kit::sqlite(&folder.path().join("chat.db")));
            })*)*
        }
    };
}

contract! {
    log {
        a_channels_log_has_one_epoch_and_no_gaps
        channels_have_logs_of_their_own
        a_log_nobody_has_used_stands_at_0
        time_never_goes_back_in_a_channel
        pages_keep_to_their_limits
    }
    send {
        a_key_is_one_message_for_ever
        a_key_of_another_user_is_refused
        a_key_of_another_channel_is_another_message
        a_message_found_stored_is_hinted
        one_refused_draft_harms_no_other
        later_drafts_of_a_batch_see_earlier_ones
        replies_carry_their_parent_and_the_root
        metadata_is_kept_to_the_letter
        files_are_attached_once_and_shown_in_order
        files_are_attached_all_or_none
        a_batch_is_answered_as_one_by_one
    }
    delete {
        a_deleted_message_is_gone_and_its_deletion_is_an_event
        a_deletion_is_repeated_with_the_same_answer
        the_key_of_a_deleted_message_makes_no_other
        a_reply_to_a_deleted_message_has_a_root_and_no_parent
        files_of_deleted_messages_end
        a_user_deletes_own_messages_only
        a_channel_that_is_cut_is_empty_at_once_and_goes_on
        a_cut_by_age_leaves_what_is_newer
        pages_go_on_behind_messages_that_are_deleted
        a_page_names_no_way_back_to_what_is_deleted
        the_messages_of_a_user_are_found
    }
    reads {
        what_is_not_read_is_counted_whatever_else_happens
        a_mark_moves_forward_only_and_is_an_event_of_the_users_own_log
        who_sends_has_read_what_stands_before
        a_mark_of_an_unknown_message_is_refused_and_of_a_deleted_one_is_not
        counts_and_marks_of_a_batch_see_what_stands_before_them
        a_users_log_is_cut_and_its_replay_shows_the_present_marks
        logs_of_users_are_their_own
        erasing_a_channel_forgets_its_marks
        erasing_a_user_forgets_marks_and_leaves_readers_a_gap
    }
    files {
        a_key_stands_for_its_upload_until_that_is_over
        parts_count_where_they_follow_and_all_or_none
        parts_are_found_by_the_bytes_they_hold
        the_last_part_may_grow
        quotas_bound_what_a_user_takes
        creations_at_once_do_not_pass_a_quota_together
        an_upload_ends_unless_a_message_has_it
        what_has_expired_is_named_until_it_is_removed
    }
    access {
        there_is_one_restriction_of_each_target
        what_has_ended_is_forgotten_with_the_next
    }
    counts {
        messages_after_a_time_are_counted_in_the_order_of_the_request
        what_is_deleted_or_cut_off_is_not_counted
        a_count_ends_at_its_greatest_number
    }
    history {
        an_empty_channel_has_an_empty_page
        pages_join_in_both_directions_whatever_arrives_meanwhile
        around_a_message_stand_its_neighbours
        pages_are_bounded_in_bytes
        wrong_arguments_are_named
        pages_show_replies_and_the_state_of_the_log
    }
}

/// A store with what reads beside it.
struct Kit {
    store: Box<dyn Store>,
    log: Box<dyn Log>,
    files: Box<dyn FileRecords>,
    erasure: Box<dyn Erasure>,
    access: Box<dyn AccessRecords>,
}

impl Kit {
    fn memory() -> Self {
        let store = MemoryStore::default();
        Self {
            log: Box::new(store.clone()),
            files: Box::new(store.clone()),
            erasure: Box::new(store.clone()),
            access: Box::new(store.clone()),
            store: Box::new(store),
        }
    }

    fn sqlite(path: &std::path::Path) -> Self {
        Self::over(SqliteStore::open(path, &Opening::new(false)).unwrap())
    }

    fn over(store: SqliteStore) -> Self {
        Self {
            log: Box::new(store.log(2).unwrap()),
            files: Box::new(store.files().unwrap()),
            erasure: Box::new(store.erasure().unwrap()),
            access: Box::new(store.access().unwrap()),
            store: Box::new(store),
        }
    }

    fn answers(&mut self, drafts: Vec<Draft>) -> Vec<Result<Committed, ErrorBody>> {
        self.store
            .commit(drafts.into_iter().map(Change::Send).collect())
    }

    fn commit(&mut self, draft: Draft) -> Committed {
        self.answers(vec![draft]).pop().unwrap().unwrap()
    }

    fn refused(&mut self, draft: Draft) -> ErrorCode {
        self.answers(vec![draft]).pop().unwrap().unwrap_err().code
    }

    fn head(&self, channel: &str) -> Cursor {
        self.log.heads(&[log_id(channel)]).unwrap().pop().unwrap()
    }

    fn tail(&self, channel: &str, after: u64, limit: PageLimit) -> Rows {
        let log = log_id(channel);
        self.log.read(&Query::Tail { log, after }, limit).unwrap()
    }

    fn events(&self, channel: &str, after: u64, limit: PageLimit) -> Vec<LogEvent> {
        match self.tail(channel, after, limit) {
            Rows::Events(events) => events,
            other => panic!("{other:?}"),
        }
    }

    fn seqs(&self, channel: &str, after: u64, limit: PageLimit) -> Vec<u64> {
        let events = self.events(channel, after, limit);
        events.iter().map(|event| event.seq).collect()
    }

    /// Records a file of ada's in channel `a` of which so many bytes are there.
    fn file(&self, number: u64, size: u64, offset: u64) -> Uuid {
        use alo_gateway::store::FilePart;
        let id = self
            .files
            .create(file(number, size), &Quota::NONE, 0)
            .unwrap()
            .id;
        let part = FilePart {
            offset: 0,
            size: offset,
        };
        if offset > 0 {
            assert!(self.files.append(id, &[part], 1_000).unwrap());
        }
        id
    }
}

fn log_id(channel: &str) -> LogId {
    channel.parse::<ChannelId>().unwrap().into()
}

fn draft(number: u64, channel: &str) -> Draft {
    Draft {
        id: id(number),
        key: id(1_000_000 + number),
        channel: channel.parse().unwrap(),
        user_id: "ada".into(),
        content: format!("message {number}"),
        metadata: None,
        parent_id: None,
        file_ids: Vec::new(),
        now_ms: number,
    }
}

fn reply(number: u64, channel: &str, parent: u64) -> Draft {
    Draft {
        parent_id: Some(id(parent)),
        ..draft(number, channel)
    }
}

fn file(number: u64, size: u64) -> FileRow {
    FileRow {
        id: id(5_000_000 + number),
        key: None,
        channel: "a".parse().unwrap(),
        user_id: "ada".into(),
        name: format!("file {number}"),
        content_type: "text/plain".into(),
        last_modified: 5,
        size,
        metadata: "as it was given".into(),
        offset: 0,
        expires_ms: 1_000,
        message: None,
        ended: false,
    }
}

fn id(number: u64) -> Uuid {
    super::support::key(number).parse().unwrap()
}

fn message(committed: &Committed) -> Value {
    serde_json::from_str(&committed.message).unwrap()
}

fn pushed(event: &LogEvent) -> Value {
    serde_json::from_str(&event.push).unwrap()
}

/// The log and the sequence a repeated change is hinted with.
fn hint(committed: &Committed) -> (LogId, u64) {
    match &committed.notice {
        Notice::Head { log, seq } => (log.clone(), *seq),
        Notice::Event(event) => panic!("{event:?} is new"),
    }
}
