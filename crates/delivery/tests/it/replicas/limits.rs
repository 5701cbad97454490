//! Rule 1: surge and unavailability.

use serde_json::json;
use taskmaster_delivery::replicas::{Amount, BlueGreen, Canary, Limits, Preview};

#[test]
fn rule_1_any_text_is_percent() {
    for (written, expected) in [
        (json!(3), Some(Amount::Pods(3))),
        (json!("25"), Some(Amount::Percent(25))),
        (json!("25%"), Some(Amount::Percent(25))),
        (json!("%25"), Some(Amount::Percent(25))),
        (json!(""), None),
        (json!("2.5%"), None),
        (json!("many"), None),
        (json!("99999999999%"), None),
        (json!(2.5), None),
    ] {
        assert_eq!(serde_json::from_value(written.clone()).ok(), expected, "{written}");
    }
    assert_eq!(serde_json::to_value(Amount::Percent(25)).unwrap(), json!("25%"));
    assert_eq!("x".parse::<Amount>().unwrap_err().to_string(), "`x` is not a whole number of percent");
}

#[test]
fn rule_1_surge_rounds_up_unavailability_down_and_not_both_are_zero() {
    use Amount::{Percent, Pods};
    for (replicas, surge, unavailable, expected) in [
        (10, Percent(25), Percent(25), (3, 2)),
        (4, Percent(25), Percent(25), (1, 1)),
        (1, Percent(25), Percent(25), (1, 0)),
        (10, Pods(0), Percent(5), (0, 1)),
        (10, Pods(0), Pods(0), (0, 1)),
        (10, Pods(1), Pods(0), (1, 0)),
        (2, Pods(5), Pods(5), (5, 2)),
        (0, Pods(5), Pods(5), (5, 0)),
        (0, Percent(50), Percent(50), (0, 0)),
        (i32::MAX, Percent(i32::MAX), Percent(i32::MAX), (i32::MAX, i32::MAX)),
    ] {
        let limits = Limits::canary(replicas, surge, unavailable);
        assert_eq!((limits.surge, limits.unavailable), expected, "{replicas} {surge} {unavailable}");
    }
    let default = Canary { replicas: 10, ..Canary::default() }.limits();
    assert_eq!(default, Limits { surge: 3, unavailable: 2 });
}

#[test]
fn rule_1_blue_green_has_no_surge() {
    for (replicas, unavailable, expected) in [
        (10, Amount::Percent(25), 2),
        (10, Amount::Pods(0), 0),
        (3, Amount::Pods(7), 3),
        (0, Amount::Pods(7), 0),
    ] {
        let release = BlueGreen { replicas, max_unavailable: unavailable, preview_replicas: None };
        assert_eq!(release.limits(), Limits { surge: 0, unavailable: expected }, "{replicas} {unavailable}");
    }
}

#[test]
fn blue_green_preview_is_small_until_it_is_approved() {
    let release = BlueGreen { replicas: 10, max_unavailable: Amount::QUARTER, preview_replicas: Some(2) };
    let small = Preview { other_active: true, full: false, recorded: true, paused: false, checked: false };
    for (preview, expected) in [
        (small, 2),
        (Preview { checked: true, ..small }, 10),
        (Preview { checked: true, paused: true, ..small }, 2),
        (Preview { checked: true, recorded: false, ..small }, 2),
        (Preview { full: true, ..small }, 10),
        (Preview { full: true, recorded: false, ..small }, 10),
        (Preview { other_active: false, ..small }, 10),
    ] {
        assert_eq!(release.preview(preview), expected, "{preview:?}");
    }
    assert_eq!(BlueGreen { preview_replicas: None, ..release }.preview(small), 10);
    assert_eq!(release.active(), 10);
}
