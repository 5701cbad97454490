//! Performs the effects of the scheduler.
