//! What each promise allows a policy to accept.

use uncertainty::{AcceptedAs, Promise};

#[test]
fn promise_names_match_serde() {
    for promise in Promise::ALL {
        let written = serde_json::to_value(promise).unwrap();
        assert_eq!(written, promise.name());
        assert_eq!(serde_json::from_value::<Promise>(written).unwrap(), promise);
    }
}

#[test]
fn policy_name_has_promise_and_bound() {
    let names = [0.01, 0.07, 0.1, 0.025].map(|alpha| Promise::AutoClear.policy_name(alpha));
    assert_eq!(
        names,
        [
            "auto_clear_1",
            "auto_clear_7",
            "auto_clear_10",
            "auto_clear_2.5"
        ]
    );
    assert_eq!(
        Promise::AcceptError2Classes.policy_name(0.05),
        "accept_error_2_classes_5"
    );
}

#[test]
fn accepted_as_follows_the_promise() {
    let of = |promise: Promise| {
        [Some(false), Some(true), None].map(|called| promise.accepted_as(called))
    };
    let (class, normal) = (Some(AcceptedAs::Class), Some(AcceptedAs::Normal));
    assert_eq!(of(Promise::AcceptError), [class; 3]);
    assert_eq!(
        of(Promise::AcceptError2Classes),
        [normal, Some(AcceptedAs::Abnormal), None]
    );
    assert_eq!(of(Promise::MissedAbnormal), [normal, None, None]);
    assert_eq!(of(Promise::AutoClear)[0], normal);
}

#[test]
fn only_called_normal_cells_are_cleared() {
    for promise in [
        Promise::AutoClear,
        Promise::ClearMissedAbnormal,
        Promise::ClearMissedHighGrade,
    ] {
        assert!(promise.may_accept(Some(false)));
        assert!(!promise.may_accept(Some(true)));
        assert_eq!(promise.accepted_as(Some(false)), Some(AcceptedAs::Normal));
    }
    assert!(Promise::MissedAbnormal.may_accept(Some(true)));
    for promise in Promise::ALL {
        assert_eq!(promise.may_accept(None), promise == Promise::AcceptError);
    }
}
