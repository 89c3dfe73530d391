#![allow(clippy::unwrap_used)]
//! When work is refused, and the estimated waits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::backlog::{Backlog, DrainRate, MovingMean, RequestLoad};
use crate::{EngineError, Priority};

fn load(cost: usize, priority: Priority) -> RequestLoad {
    RequestLoad {
        cost,
        priority,
        deadline: None,
    }
}

fn backlog() -> Arc<Backlog> {
    let backlog = Backlog::new(100, Duration::from_millis(500));
    backlog.drain_rate.record(1, Duration::from_millis(20), 2);
    backlog
}

#[test]
fn full_backlog_refuses_new_work() {
    let backlog = backlog();
    let large = load(900, Priority::Bulk);
    let admission = backlog.admit(large).unwrap();
    let refusal = backlog.check(load(1, Priority::Bulk)).unwrap_err();
    let EngineError::QueueFull { retry_after } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(retry_after, Duration::from_secs(9), "900 images at 10 ms");
    assert_eq!(backlog.retry_after(), retry_after);
    drop(admission);
    assert!(backlog.check(large).is_ok(), "nothing is before it");
}

#[test]
fn upload_waits_only_for_uploads() {
    let backlog = backlog();
    let bulk = backlog.admit(load(40, Priority::Bulk)).unwrap();
    let uploads = backlog.admit(load(51, Priority::Interactive)).unwrap();
    assert!(matches!(
        backlog.check(load(1, Priority::Interactive)),
        Err(EngineError::QueueFull { .. })
    ));
    assert!(backlog.check(load(1, Priority::Bulk)).is_ok());
    drop(uploads);
    assert!(backlog.check(load(1, Priority::Interactive)).is_ok());
    drop(bulk);
}

#[test]
fn deadline_is_refused_if_too_short() {
    let backlog = backlog();
    let before = backlog.admit(load(90, Priority::Interactive)).unwrap();
    let patient = RequestLoad {
        deadline: Some(Instant::now() + Duration::from_secs(60)),
        ..load(1, Priority::Interactive)
    };
    assert!(backlog.check(patient).is_ok());
    drop(before);
    let within = |milliseconds| RequestLoad {
        deadline: Some(Instant::now() + Duration::from_millis(milliseconds)),
        ..load(10, Priority::Interactive)
    };
    assert!(backlog.check(within(5_000)).is_ok());
    let refusal = backlog.check(within(50)).unwrap_err();
    let EngineError::DeadlineTooShort { needed } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(needed, Duration::from_millis(100), "however empty");
    let _before = backlog.admit(load(40, Priority::Interactive)).unwrap();
    assert!(backlog.check(within(5_000)).is_ok());
    for too_short in [450, 550] {
        let refusal = backlog.check(within(too_short)).unwrap_err();
        assert!(
            matches!(refusal, EngineError::NotInTime { .. }),
            "{refusal}"
        );
    }
}

#[test]
fn unmeasured_speed_refuses_no_deadline() {
    let backlog = Backlog::new(100, Duration::ZERO);
    let soon = RequestLoad {
        deadline: Some(Instant::now()),
        ..load(50, Priority::Interactive)
    };
    assert!(backlog.check(soon).is_ok());
}

#[test]
fn longer_queue_means_longer_wait() {
    let rate = DrainRate::default();
    assert_eq!(
        rate.retry_after(1000),
        Duration::from_secs(1),
        "nothing measured yet"
    );
    rate.record(1, Duration::from_millis(20), 2);
    assert_eq!(rate.time_for(10), Duration::from_millis(100));
    assert_eq!(rate.retry_after(10), Duration::from_secs(1));
    assert_eq!(rate.retry_after(1010), Duration::from_secs(11));
    assert_eq!(rate.retry_after(1_000_000), Duration::from_secs(60));
}

#[test]
fn moving_mean_follows_its_values() {
    let mean = MovingMean::default();
    assert_eq!(mean.get(), None);
    mean.record(2.0);
    assert_eq!(mean.get(), Some(2.0));
    (0..100).for_each(|_| mean.record(1.0));
    assert!(mean.get().is_some_and(|mean| (1.0..1.01).contains(&mean)));
}
