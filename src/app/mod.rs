//! Use cases: parse, plan, run, report.
