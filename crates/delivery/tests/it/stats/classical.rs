//! Classical tests against textbooks, enumeration, and SciPy 1.17.1 (with NumPy 2.4.6): `scipy.stats.ttest_ind`
//! with `equal_var=False`, and `scipy.stats.mannwhitneyu` with `method="exact"` or `"asymptotic"`.

use taskmaster_delivery::stats::classical::{Incomparable, Method, mann_whitney, welch};

/// Hours of sleep won by two drugs (Student 1908; R's `sleep`).
const DRUG: [f64; 10] = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
const OTHER_DRUG: [f64; 10] = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const LOGNORMAL: [f64; 12] =
    [1.001, 1.348, 0.76, 0.41, 0.635, 0.371, 1.062, 3.82, 0.611, 0.538, 1.632, 1.429];
const OTHER_LOGNORMAL: [f64; 17] = [
    1.573, 0.937, 1.47, 2.112, 0.762, 1.187, 0.577, 0.783, 0.594, 1.326, 0.792, 1.709, 1.613, 1.359, 0.424,
    1.14, 1.456,
];
const OFFSET: [f64; 3] = [1_000_001.0, 1_000_002.0, 1_000_004.0];
const OTHER_OFFSET: [f64; 2] = [1_000_000.0, 1_000_001.5];
const TIED: [f64; 10] = [1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 5.0, 8.0];
const OTHER_TIED: [f64; 12] = [2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 6.0, 6.0, 7.0, 8.0, 8.0, 9.0];
/// Permeability of a membrane (Hollander and Wolfe, Nonparametric statistical methods, 1973, p. 69).
const AT_TERM: [f64; 10] = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
const EARLY: [f64; 5] = [1.15, 0.88, 0.90, 0.74, 1.21];

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
}

#[test]
fn welch_is_that_of_scipy() {
    for (one, other, confidence, t, freedom, low, high) in [
        // R's help of t.test prints t = -1.8608, df = 17.776, and -3.3654832 to 0.2054832.
        (
            &DRUG[..],
            &OTHER_DRUG[..],
            0.95,
            -1.860_813_467_486_852_6,
            17.776_473_516_178_488,
            -3.365_483_230_711_710_4,
            0.205_483_230_711_711_37,
        ),
        (
            &DRUG,
            &OTHER_DRUG,
            0.99,
            -1.860_813_467_486_852_6,
            17.776_473_516_178_488,
            -4.027_632_919_919_039,
            0.867_632_919_919_04,
        ),
        (
            &LOGNORMAL,
            &OTHER_LOGNORMAL,
            0.95,
            -0.104_498_822_935_546_02,
            14.884_008_800_842_532,
            -0.659_009_649_602_873_1,
            0.597_450_826_073_461_6,
        ),
        (
            &LOGNORMAL,
            &OTHER_LOGNORMAL,
            0.99,
            -0.104_498_822_935_546_02,
            14.884_008_800_842_532,
            -0.899_674_124_845_220_1,
            0.838_115_301_315_808_6,
        ),
        (
            &OFFSET,
            &OTHER_OFFSET,
            0.95,
            1.367_649_926_456_038_7,
            2.902_594_872_594_093_5,
            -2.171_938_615_757_267_8,
            5.338_605_282_501_545,
        ),
        (
            &OFFSET,
            &OTHER_OFFSET,
            0.99,
            1.367_649_926_456_038_7,
            2.902_594_872_594_093_5,
            -5.408_663_332_699_014,
            8.575_329_999_443_29,
        ),
        (
            &TIED,
            &OTHER_TIED,
            0.95,
            -1.987_320_418_701_193_2,
            19.907_027_378_809_072,
            -3.724_076_832_812_118,
            0.090_743_499_478_784_35,
        ),
        (
            &AT_TERM,
            &EARLY,
            0.95,
            2.041_383_092_210_069_5,
            12.970_538_443_257_544,
            -0.019_724_996_335_103_94,
            0.693_724_996_335_103_9,
        ),
    ] {
        let found = welch(one, other, confidence).unwrap();
        let expected = [
            (found.difference / found.standard_error, t),
            (found.degrees_of_freedom, freedom),
            (found.low, low),
            (found.high, high),
        ];
        assert!(expected.iter().all(|(found, expected)| near(*found, *expected)), "{found:?} {expected:?}");
    }
}

/// Quantiles of t through the interval of two samples of two, which has 2 degrees of freedom, and of SciPy's `t.ppf`;
/// the second of each is in all tables.
#[test]
fn quantiles_of_t_are_those_of_the_tables() {
    let table = [
        (0.8, 1.885_618_083_164_126_7),
        (0.95, 4.302_652_729_749_462),
        (0.99, 9.924_843_200_918_287),
        (0.999, 31.599_054_576_445_365),
    ];
    for (confidence, expected) in table {
        let found = welch(&[0.0, 2.0], &[0.0, 2.0], confidence).unwrap();
        assert!(
            near(found.degrees_of_freedom, 2.0) && near(found.high / found.standard_error, expected),
            "{found:?}"
        );
    }
    // 6 and 6 values of equal variance: 10 degrees of freedom.
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    for (confidence, expected) in [
        (0.8, 1.372_183_641_110_336),
        (0.95, 2.228_138_851_986_274),
        (0.99, 3.169_272_672_616_95),
        (0.999, 4.586_893_858_702_708),
    ] {
        let found = welch(&values, &values, confidence).unwrap();
        assert!(
            near(found.degrees_of_freedom, 10.0) && near(found.high / found.standard_error, expected),
            "{found:?}"
        );
    }
}

#[test]
fn mann_whitney_is_that_of_scipy() {
    use Method::{Exact, Normal};
    for (one, other, method, u, p_greater, p_less) in [
        // R's help of wilcox.test prints W = 35, p-value = 0.1272.
        (&AT_TERM[..], &EARLY[..], Exact, 35.0, 0.127_206_127_206_127_2, 0.896_769_896_769_896_7),
        (&LOGNORMAL, &OTHER_LOGNORMAL, Exact, 77.0, 0.868_271_628_596_729_2, 0.141_448_728_113_290_57),
        (&OFFSET, &OTHER_OFFSET, Exact, 5.0, 0.2, 0.9),
        (&DRUG, &OTHER_DRUG, Normal, 25.5, 0.970_751_668_607_274_4, 0.034_663_787_716_813_29),
        (&TIED, &OTHER_TIED, Normal, 32.0, 0.971_229_463_353_937_6, 0.033_435_489_295_092_866),
    ] {
        let found = mann_whitney(one, other).unwrap();
        assert_eq!((found.u, found.method), (u, method));
        assert!(near(found.p_greater, p_greater) && near(found.p_less, p_less), "{found:?}");
        assert!(near(found.p_two_sided, (2.0 * p_greater.min(p_less)).min(1.0)), "{found:?}");
        let turned = mann_whitney(other, one).unwrap();
        assert!(near(turned.p_greater, found.p_less) && near(turned.p_less, found.p_greater));
    }
}

/// Every choice of ranks for the canary: the probability is the part of them with such a U or a greater one.
#[test]
fn small_samples_are_enumerated() {
    for (n, all) in [(1u32, 2u32), (2, 5), (3, 6), (3, 9), (5, 10)] {
        let choices: Vec<u32> = (0..1 << all).filter(|choice: &u32| choice.count_ones() == n).collect();
        let u = |choice: u32| -> u32 {
            let ranks = (0..all).filter(|rank| choice >> rank & 1 == 1);
            ranks.sum::<u32>() - n * (n - 1) / 2
        };
        for choice in &choices {
            let (mine, theirs): (Vec<u32>, Vec<u32>) = (0..all).partition(|rank| choice >> rank & 1 == 1);
            let [mine, theirs] =
                [mine, theirs].map(|ranks| ranks.into_iter().map(f64::from).collect::<Vec<f64>>());
            let found = mann_whitney(&mine, &theirs).unwrap();
            let greater = choices.iter().filter(|other| u(**other) >= u(*choice)).count();
            assert_eq!((found.u, found.method), (f64::from(u(*choice)), Method::Exact));
            assert!(near(found.p_greater, greater as f64 / choices.len() as f64), "{choice:b} {found:?}");
        }
    }
}

#[test]
fn what_cannot_be_compared() {
    let infinite = f64::INFINITY;
    let nan = f64::NAN;
    for (one, other, expected) in [
        (&[1.0, nan][..], &[1.0, 2.0][..], Incomparable::TooFew { canary: 1, baseline: 2 }),
        (&[1.0, 2.0], &[], Incomparable::TooFew { canary: 2, baseline: 0 }),
        (&[1.0, 1.0], &[2.0, 2.0], Incomparable::NoSpread),
        (&[1.0, infinite], &[2.0, 3.0], Incomparable::TooLarge),
        (&[f64::MAX, -f64::MAX], &[2.0, 3.0], Incomparable::TooLarge),
    ] {
        assert_eq!(welch(one, other, 0.95), Err(expected), "{one:?} {other:?}");
    }
    for confidence in [0.0, 1.0, -1.0, nan] {
        assert_eq!(welch(&[1.0, 2.0], &[1.0, 2.0], confidence), Err(Incomparable::Confidence));
    }
    assert_eq!(mann_whitney(&[nan], &[1.0]), Err(Incomparable::TooFew { canary: 0, baseline: 1 }));
    assert_eq!(mann_whitney(&[1.0; 5], &[1.0; 5]), Err(Incomparable::NoSpread));
}

#[test]
fn values_that_are_no_numbers_are_left_out_and_counted() {
    let mut with_gaps = AT_TERM.to_vec();
    with_gaps.insert(3, f64::NAN);
    with_gaps.push(f64::NAN);
    let (found, whole) = (welch(&with_gaps, &EARLY, 0.95).unwrap(), welch(&AT_TERM, &EARLY, 0.95).unwrap());
    assert_eq!((found.ignored, found.low, whole.ignored), (2, whole.low, 0));
    let (found, whole) = (mann_whitney(&with_gaps, &EARLY).unwrap(), mann_whitney(&AT_TERM, &EARLY).unwrap());
    assert_eq!((found.ignored, found.p_greater, whole.ignored), (2, whole.p_greater, 0));
    let order = mann_whitney(&[f64::INFINITY, 1.0], &[f64::NEG_INFINITY, 0.0]).unwrap();
    assert_eq!(order.u, 4.0, "infinities have a place in the order");
}
