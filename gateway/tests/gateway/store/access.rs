//! What users may no longer do.

use alo_gateway::access::{Restriction, Target};

use super::Kit;

fn all() -> Vec<Restriction> {
    let (channel, user) = (|| "a".parse().unwrap(), || "ada".into());
    let targets = [
        Target::User(user()),
        Target::Token("ada".into()),
        Target::Channel(channel()),
        Target::Member(channel(), user()),
        Target::Ban(channel(), user()),
        Target::Mute(channel(), user()),
    ];
    let restriction = |(number, target)| Restriction {
        target,
        since_ms: 1_700_000_000_000 + number as u64,
        until_ms: (number % 2 == 0).then_some(100 + number as u64),
        reason: (number % 3 == 0).then(|| format!("because of {number}")),
    };
    targets.into_iter().enumerate().map(restriction).collect()
}

pub fn there_is_one_restriction_of_each_target(kit: &mut Kit) {
    assert_eq!(kit.access.restrictions().unwrap(), []);
    for restriction in all() {
        kit.access.restrict(&restriction, 0).unwrap();
    }
    assert_eq!(kit.access.restrictions().unwrap(), all());
    let later = Restriction {
        since_ms: 9,
        until_ms: None,
        reason: None,
        ..all().remove(0)
    };
    kit.access.restrict(&later, 0).unwrap();
    let mut expected = all();
    expected[0] = later;
    assert_eq!(kit.access.restrictions().unwrap(), expected);
    let gone = expected.remove(3);
    kit.access.release(&gone.target).unwrap();
    kit.access.release(&gone.target).unwrap();
    assert_eq!(kit.access.restrictions().unwrap(), expected);
}

pub fn what_has_ended_is_forgotten_with_the_next(kit: &mut Kit) {
    for restriction in all() {
        kit.access.restrict(&restriction, 0).unwrap();
    }
    let last = all().pop().unwrap();
    kit.access.restrict(&last, 102).unwrap();
    let kept = all().into_iter().filter(|one| one.is_active(102));
    assert_eq!(kit.access.restrictions().unwrap(), kept.collect::<Vec<_>>());
}
