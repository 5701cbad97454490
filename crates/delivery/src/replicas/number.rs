//! Whole numbers that neither overflow nor divide by zero.

/// The nearest number of 32 bits.
pub(super) fn narrow(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

/// `part * whole / of`, rounded down. Nothing where `of` is not positive.
pub(super) fn share_down(part: i32, whole: i32, of: i32) -> i64 {
    if of <= 0 {
        return 0;
    }
    (i64::from(part) * i64::from(whole)).div_euclid(i64::from(of))
}

/// `part * whole / of`, rounded up. Nothing where `of` is not positive.
pub(super) fn share_up(part: i32, whole: i32, of: i32) -> i64 {
    if of <= 0 {
        return 0;
    }
    -(-(i64::from(part) * i64::from(whole))).div_euclid(i64::from(of))
}

/// `part * whole / of`, rounded towards zero. Nothing where `of` is not positive.
pub(super) fn share_cut(part: i32, whole: i32, of: i32) -> i64 {
    if of <= 0 {
        return 0;
    }
    i64::from(part) * i64::from(whole) / i64::from(of)
}
