//! Named scenarios of explicit actions: what random episodes have found, and what nobody should have to
//! find again. Nothing here is left to chance but latencies.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test panics where it fails"
)]

use alo_protocol::{ChannelId, Rate, Rates};
use alo_sim::{Profile, World};

fn world() -> World {
    World::new(1, Profile::calm())
}

fn a() -> Vec<ChannelId> {
    vec!["a".parse().unwrap()]
}

fn send(world: &mut World, client: usize) -> alo_chat::core::CallId {
    world.send(client, &a()[0], None, &[])
}

/// A world whose browsers keep what is unsent.
fn keeping_world() -> World {
    let profile = Profile {
        outbox_kept: true,
        ..Profile::calm()
    };
    World::new(1, profile)
}

/// The final account compares every promise, every reader and the store with the model.
fn heal(mut world: World) {
    if let Err(violation) = world.heal() {
        panic!("{violation}");
    }
}

#[test]
fn two_people_chat() {
    let mut world = world();
    world.subscribe(0, &a());
    world.subscribe(1, &a());
    world.run(100).unwrap();
    for _ in 0..10 {
        send(&mut world, 0);
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    assert_eq!(world.counts().get("sends resolved"), 20);
    assert_eq!(world.counts().get("events delivered"), 40);
    heal(world);
}

/// Found by seed 1: the gateway answers an unsubscribe at once, but a subscribe when its store has
/// answered.
#[test]
fn a_channel_left_before_its_subscribe_was_confirmed_stays_left() {
    let mut world = world();
    world.connect(0);
    world.run(100).unwrap();
    world.subscribe(0, &a());
    world.unsubscribe(0, &a());
    world.run(100).unwrap();
    send(&mut world, 1);
    world.run(1_000).unwrap();
    assert_eq!(world.counts().get("events delivered"), 0);
    heal(world);
}

/// Found by seed 15: the first try had been stored, and the call was answered with `aborted`.
#[test]
fn a_message_that_went_out_on_a_lost_connection_cannot_be_aborted() {
    let mut world = world();
    world.connect(0);
    world.run(100).unwrap();
    let call = send(&mut world, 0);
    world.run(12).unwrap();
    assert_eq!(world.counts().get("messages stored"), 1);
    world.cut_client(0);
    world.run(3_000).unwrap();
    world.abort(0, call);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("sends resolved"), 1);
    heal(world);
}

#[test]
fn a_gateway_killed_between_commit_and_answer_stores_the_message_once() {
    let mut world = world();
    world.subscribe(1, &a());
    world.connect(0);
    world.run(100).unwrap();
    send(&mut world, 0);
    while world.counts().get("messages stored") == 0 {
        world.run(1).unwrap();
    }
    world.kill_gateway(1_000);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("messages stored"), 1);
    assert_eq!(world.counts().get("sends repeated and recognised"), 1);
    assert_eq!(world.counts().get("events delivered"), 1);
    heal(world);
}

#[test]
fn what_is_sent_while_offline_goes_out_once_and_in_order() {
    let mut world = world();
    world.subscribe(1, &a());
    world.connect(0);
    world.run(100).unwrap();
    world.set_offline(0, true);
    for _ in 0..50 {
        send(&mut world, 0);
    }
    world.run(120_000).unwrap();
    assert_eq!(world.counts().get("messages stored"), 0);
    world.set_offline(0, false);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("events delivered"), 50);
    heal(world);
}

#[test]
fn a_file_goes_on_where_it_stopped() {
    let mut world = world();
    world.subscribe(1, &a());
    world.run(100).unwrap();
    world.send(0, &a()[0], None, &[100 << 20, 1]);
    world.run(20).unwrap();
    world.kill_gateway(5_000);
    world.run(120_000).unwrap();
    assert_eq!(world.counts().get("uploads completed"), 2);
    assert_eq!(world.counts().get("events delivered"), 1);
    heal(world);
}

/// Found by seed 16: nobody tells a client that its request hangs.
#[test]
fn an_upload_does_not_wait_for_a_request_that_hangs() {
    let mut world = world();
    world.connect(0);
    world.run(100).unwrap();
    world.send(0, &a()[0], None, &[100 << 20]);
    world.run(20).unwrap();
    world.hang_requests(true);
    world.run(30_000).unwrap();
    world.hang_requests(false);
    world.run(120_000).unwrap();
    assert_eq!(world.counts().get("uploads completed"), 1);
    heal(world);
}

#[test]
fn a_tab_that_slept_for_an_hour_misses_nothing() {
    let mut world = world();
    world.subscribe(1, &a());
    world.run(100).unwrap();
    world.freeze(1, 3_600_000);
    for _ in 0..2_000 {
        send(&mut world, 0);
        world.run(500).unwrap();
    }
    world.run(3_000_000).unwrap();
    assert_eq!(world.counts().get("events delivered"), 2_000);
    heal(world);
}

#[test]
fn a_reader_is_told_that_the_log_was_replaced() {
    // The other log is shorter than what was read, as long, or longer.
    for strangers in [0, 1, 5] {
        let mut world = world();
        world.subscribe(0, &a());
        world.run(100).unwrap();
        send(&mut world, 1);
        world.run(1_000).unwrap();
        world.kill_gateway(100);
        world.run(50).unwrap();
        world.replace_database(strangers);
        world.run(60_000).unwrap();
        assert_eq!(world.counts().get("gaps told"), 1);
        send(&mut world, 1);
        world.run(1_000).unwrap();
        assert_eq!(world.counts().get("events delivered"), 2);
        heal(world);
    }
}

#[test]
fn what_a_page_left_is_sent_by_the_next_with_its_files() {
    let mut world = keeping_world();
    world.subscribe(1, &a());
    world.connect(0);
    world.run(100).unwrap();
    world.kill_gateway(60_000);
    for _ in 0..5 {
        send(&mut world, 0);
    }
    world.send(0, &a()[0], None, &[5 << 20]);
    world.run(1_000).unwrap();
    world.reload(0);
    world.connect(0);
    world.run(120_000).unwrap();
    assert_eq!(world.counts().get("messages restored"), 6);
    assert_eq!(world.counts().get("events delivered"), 6);
    heal(world);
}

/// The answer was under way when the page ended: the next page asks again, by the same key.
#[test]
fn what_was_stored_when_the_page_ended_is_not_stored_again() {
    let mut world = keeping_world();
    world.connect(0);
    world.run(100).unwrap();
    send(&mut world, 0);
    // It is on the disk of both, and nobody has heard of it.
    world.run(12).unwrap();
    world.reload(0);
    world.connect(0);
    world.run(10_000).unwrap();
    assert_eq!(world.counts().get("messages restored"), 1);
    assert_eq!(world.counts().get("messages stored"), 1);
    heal(world);
}

/// Found by seed 100840: the calls were answered, and the uploads ended, but the browser had not forgotten the
/// message when the page ended.
#[test]
fn a_message_the_browser_did_not_forget_has_its_files_uploaded_anew() {
    let mut world = keeping_world();
    world.subscribe(1, &a());
    world.connect(0);
    world.run(100).unwrap();
    world.send(0, &a()[0], None, &[3 << 19]);
    world.run(13).unwrap();
    world.disconnect(0);
    world.reload(0);
    world.connect(0);
    world.run(10_000).unwrap();
    assert_eq!(world.counts().get("messages restored"), 1);
    assert_eq!(world.counts().get("events delivered"), 1);
    heal(world);
}

/// History is asked for again after a reconnect, and the page joins with the events that follow it.
#[test]
fn a_page_asked_for_while_offline_comes_when_the_network_does() {
    let mut world = world();
    world.subscribe(0, &a());
    world.run(100).unwrap();
    for _ in 0..20 {
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    world.set_offline(0, true);
    world.newest_page(0, &a()[0], 5);
    send(&mut world, 1);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("pages of history"), 0);
    world.set_offline(0, false);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("pages of history"), 1);
    assert_eq!(world.counts().get("pages of history refused"), 0);
    heal(world);
}

#[test]
fn a_question_on_its_way_when_the_gateway_is_killed_is_asked_again() {
    let mut world = world();
    world.connect(0);
    world.run(100).unwrap();
    world.newest_page(0, &a()[0], 5);
    world.kill_gateway(1_000);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("pages of history"), 1);
    heal(world);
}

#[test]
fn a_walk_to_the_first_message_shows_each_once_though_others_arrive() {
    let mut world = world();
    world.subscribe(0, &a());
    world.run(100).unwrap();
    for _ in 0..50 {
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    world.walk_history(0, &a()[0], 3);
    for _ in 0..30 {
        send(&mut world, 1);
        world.run(10).unwrap();
    }
    world.cut_client(0);
    world.run(60_000).unwrap();
    assert_eq!(
        world.counts().get("channels walked to their first message"),
        1
    );
    assert_eq!(world.counts().get("pages of history"), 17);
    heal(world);
}

#[test]
fn a_page_aborted_on_its_way_is_not_loaded() {
    let mut world = world();
    world.connect(0);
    world.run(100).unwrap();
    let call = world.newest_page(0, &a()[0], 5);
    world.run(3).unwrap();
    world.abort(0, call);
    world.run(10_000).unwrap();
    assert_eq!(world.counts().get("pages of history"), 0);
    assert_eq!(world.counts().get("pages of history refused"), 1);
    heal(world);
}

/// A walk that a replaced database ends: its token names a message that is no more.
#[test]
fn a_token_of_a_replaced_database_is_refused() {
    let mut world = world();
    world.connect(0);
    for _ in 0..50 {
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    world.walk_history(0, &a()[0], 1);
    world.run(100).unwrap();
    let before = world.counts().get("pages of history");
    assert!(before > 0 && before < 50, "{before}");
    world.kill_gateway(100);
    world.run(50).unwrap();
    world.replace_database(7);
    world.run(60_000).unwrap();
    assert_eq!(world.counts().get("pages of history refused"), 1);
    assert_eq!(
        world.counts().get("channels walked to their first message"),
        0
    );
    heal(world);
}

/// A reader that was away while an older copy was restored learns of it, though the copy was written past the cursor.
#[test]
fn a_reader_that_was_away_learns_that_an_older_copy_was_restored() {
    // Messages that the copy does not have, messages written since, and what is reported.
    for (lost, since, reason) in [
        (5, 9, Some("gaps told: epoch-changed")),
        (5, 5, Some("gaps told: epoch-changed")),
        (5, 1, Some("gaps told: cursor-ahead")),
        (5, 0, Some("gaps told: cursor-ahead")),
        // The copy is the present state.
        (0, 3, None),
    ] {
        let mut world = world();
        world.subscribe(0, &a());
        world.connect(1);
        world.run(100).unwrap();
        send(&mut world, 1);
        world.run(1_000).unwrap();
        world.copy_database();
        for _ in 0..lost {
            send(&mut world, 1);
        }
        world.run(1_000).unwrap();
        assert_eq!(world.counts().get("events delivered"), 1 + lost);
        world.set_offline(0, true);
        world.kill_gateway(100);
        world.run(50).unwrap();
        world.restore_database();
        world.run(60_000).unwrap();
        for _ in 0..since {
            send(&mut world, 1);
        }
        world.run(1_000).unwrap();
        world.set_offline(0, false);
        world.run(120_000).unwrap();
        let gaps = reason.map_or(0, |reason| world.counts().get(reason));
        assert_eq!(gaps, u64::from(reason.is_some()), "{lost} {since}");
        assert_eq!(world.counts().get("gaps told"), gaps, "{lost} {since}");
        heal(world);
    }
}

/// The witness kept an older count of commits, as after a power failure.
#[test]
fn a_witness_that_is_behind_is_no_reason_for_a_gap() {
    let profile = Profile {
        power_failures: 1_000,
        crash_every: 20_000,
        action_every: 100,
        trouble_ms: 120_000,
        ..Profile::calm()
    };
    let mut world = World::new(1, profile);
    world.trouble().unwrap();
    assert!(world.counts().get("fault: witness behind the database") > 1);
    assert_eq!(world.counts().get("gaps told"), 0);
    heal(world);
}

/// A message is no longer in the log: who has not read it learns of a gap and goes on, who has is not affected.
#[test]
fn a_hole_in_the_log_is_a_gap_for_who_has_to_read_across_it() {
    // The first, one in the middle, the last.
    for missing in [2, 4, 6] {
        let mut world = world();
        world.subscribe(0, &a());
        world.subscribe(1, &a());
        world.run(100).unwrap();
        send(&mut world, 1);
        world.run(1_000).unwrap();
        world.set_offline(0, true);
        for _ in 0..5 {
            send(&mut world, 1);
        }
        world.run(1_000).unwrap();
        world.lose_message(&a()[0], missing);
        world.set_offline(0, false);
        world.run(120_000).unwrap();
        assert_eq!(world.counts().get("gaps told: expired"), 1, "{missing}");
        assert_eq!(world.counts().get("gaps told"), 1, "{missing}");
        // Before the hole everything is received, behind it all that is new.
        let before = world.counts().get("events delivered");
        assert_eq!(before, 6 + missing - 1);
        send(&mut world, 1);
        world.run(1_000).unwrap();
        assert_eq!(world.counts().get("events delivered"), before + 2);
        // A page of history leaves it out.
        world.walk_history(0, &a()[0], 2);
        world.run(1_000).unwrap();
        assert_eq!(
            world.counts().get("channels walked to their first message"),
            1
        );
        heal(world);
    }
}

/// Who was away receives the deletion in place of the message, and pages leave it out.
#[test]
fn a_message_that_is_deleted_is_not_replayed() {
    let mut world = world();
    world.subscribe(0, &a());
    world.subscribe(1, &a());
    world.run(100).unwrap();
    send(&mut world, 1);
    world.run(1_000).unwrap();
    world.set_offline(0, true);
    for _ in 0..3 {
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    world.delete_message(&a()[0], 3);
    world.run(1_000).unwrap();
    assert_eq!(world.counts().get("deletions stored"), 1);
    assert_eq!(world.counts().get("deletions delivered"), 1);
    world.set_offline(0, false);
    world.run(120_000).unwrap();
    // In place of the message, and as an event of its own.
    assert_eq!(world.counts().get("deletions delivered"), 3);
    assert_eq!(world.counts().get("gaps told"), 0);
    world.walk_history(0, &a()[0], 2);
    world.run(1_000).unwrap();
    assert_eq!(
        world.counts().get("channels walked to their first message"),
        1
    );
    heal(world);
}

/// Readers of a log that is cut, away or not, are told of it and read on; its messages are removed in steps.
#[test]
fn a_log_that_is_cut_is_a_gap_for_all() {
    let mut world = world();
    world.subscribe(0, &a());
    world.subscribe(1, &a());
    world.run(100).unwrap();
    for _ in 0..5 {
        send(&mut world, 1);
    }
    world.run(1_000).unwrap();
    world.set_offline(0, true);
    world.cut_channel(&a()[0], 2);
    world.run(1_000).unwrap();
    assert_eq!(world.counts().get("gaps told: expired"), 1);
    world.set_offline(0, false);
    world.run(120_000).unwrap();
    assert_eq!(world.counts().get("gaps told: expired"), 2);
    let before = world.counts().get("events delivered");
    send(&mut world, 1);
    world.run(1_000).unwrap();
    assert_eq!(world.counts().get("events delivered"), before + 2);
    heal(world);
}

/// A world in which a user may send a few messages a second; the gateway holds what comes earlier for so long.
fn limited_world(seed: u64, hold_ms: u64) -> World {
    let rate = Some(Rate {
        per_minute: 240,
        burst: 5,
    });
    let rates = Rates {
        sends: rate,
        requests: rate,
        uploads: rate,
        ..Rates::default()
    };
    let profile = Profile {
        // A refusal may come later than the time it names.
        latency_ms: 1..600,
        rates,
        hold_ms,
        ..Profile::calm()
    };
    World::new(seed, profile)
}

#[test]
fn sends_beyond_the_rate_are_stored_in_their_order_held_or_refused() {
    for seed in 1..=4 {
        for hold_ms in [0, 100, 2_000] {
            let mut world = limited_world(seed, hold_ms);
            world.subscribe(0, &a());
            world.subscribe(1, &a());
            for number in 0..60 {
                let files: &[u64] = if number % 20 == 7 { &[1_000] } else { &[] };
                world.send(0, &a()[0], None, files);
                world.send(1, &a()[0], None, &[]);
                world
                    .run(number % 7 * 40)
                    .unwrap_or_else(|violation| panic!("{violation}"));
            }
            world
                .run(60_000)
                .unwrap_or_else(|violation| panic!("{violation}"));
            assert_eq!(world.counts().get("sends resolved"), 120);
            let refused = world.counts().get("fault: rate exceeded");
            assert_eq!(refused == 0, hold_ms == 2_000, "{refused}");
            heal(world);
        }
    }
}
