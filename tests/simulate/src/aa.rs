//! A/A experiments: the new version is as good as the old one, so whatever is taken back is taken back
//! falsely.

use crate::blocks::{Blocks, Count, Key, SIZE};
use crate::{code, cores, users};
use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Write;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::time::Instant;
use taskmaster_delivery::sim::{Ending, Scenario, run, share_interval};
use taskmaster_delivery::spec::{Rollout, RolloutSpec, check};
use taskmaster_delivery::stats::Alpha;

/// Most rollouts under the rules of another engine.
const OF_OTHERS: u64 = 2_000;

/// What is asked for.
pub(crate) struct Table {
    pub(crate) rollouts: u64,
    pub(crate) look: f64,
    pub(crate) out: PathBuf,
    pub(crate) blocks: PathBuf,
    pub(crate) threads: usize,
}

/// One line of the table.
struct Row {
    policy: &'static str,
    name: String,
    spec: Rollout,
    scenario: Scenario,
    /// Digest of both.
    of: String,
    rollouts: u64,
}

/// A specification that is known to be good.
pub(crate) fn checked(spec: &Value) -> Result<Rollout> {
    let spec: RolloutSpec = serde_json::from_value(spec.clone())?;
    check(&spec).map_err(|faults| anyhow!("{faults:?}"))
}

fn rows(table: &Table) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for policy in ["sequential", "argo", "flagger"] {
        for users::Named { name, scenario } in users::good(table.look) {
            let unit = if scenario.service.users.session > 1 { "session" } else { "request" };
            let (spec, most) = match policy {
                "sequential" => (users::sequential(unit), table.rollouts),
                "argo" => (users::argo(), OF_OTHERS),
                _ => (users::flagger(), OF_OTHERS),
            };
            let mut hasher = DefaultHasher::new();
            (spec.to_string(), serde_json::to_string(&scenario)?).hash(&mut hasher);
            let of = format!("{:016x}", hasher.finish());
            let rollouts = table.rollouts.min(most);
            rows.push(Row { policy, name, spec: checked(&spec)?, scenario, of, rollouts });
        }
    }
    Ok(rows)
}

/// Makes the table, from where it was stopped. It is written anew after every block.
pub(crate) fn table(table: &Table) -> Result<bool> {
    let rows = rows(table)?;
    let code = code::version();
    let mut kept = Blocks::open(&table.blocks)?;
    let key = |row: &Row, block: u64| Key { code: code.clone(), of: row.of.clone(), block };
    let mut open: Vec<(u64, usize)> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let all = 0..row.rollouts.div_ceil(SIZE);
        open.extend(all.filter(|block| kept.get(&key(row, *block)).is_none()).map(|block| (block, index)));
    }
    // All rows grow together, so that a run that is stopped leaves a whole table.
    open.sort_unstable();
    let (began, mut done, mut failed) = (Instant::now(), 0, None);
    let work = |range: std::ops::Range<u64>| {
        let (block, index) = open[usize::try_from(range.start).unwrap_or(0)];
        (block, index, count(&rows[index], block))
    };
    let take = |(block, index, count): (u64, usize, Count)| {
        done += 1;
        let row = &rows[index];
        eprintln!(
            "{done} of {} blocks in {} s: {} {}",
            open.len(),
            began.elapsed().as_secs(),
            row.policy,
            row.name
        );
        let written = kept.put(key(row, block), count).and_then(|()| write(table, &rows, &kept, &code));
        failed = written.err();
        failed.is_none()
    };
    cores::blocks(0..open.len() as u64, 1, table.threads, work, take);
    failed.map_or(Ok(()), Err)?;
    write(table, &rows, &kept, &code)?;
    let sequential = rows.iter().filter(|row| row.policy == "sequential");
    let too_often: Vec<&Row> =
        sequential.filter(|row| is_too_often(total(row, &kept, &code), Alpha::SMALL.get())).collect();
    for row in &too_often {
        eprintln!("{}: taken back more often than the rate that is claimed", row.name);
    }
    Ok(too_often.is_empty())
}

/// True where that many cannot be chance at a rate: the lower end of an exact interval, one-sided at 95 %.
fn is_too_often(all: Count, rate: f64) -> bool {
    all.runs > 0 && share_interval(all.rolled_back, all.runs, 0.9).0 > rate
}

/// What was counted of a row.
fn total(row: &Row, kept: &Blocks, code: &str) -> Count {
    let mut all = Count::default();
    let key = |block| Key { code: code.to_owned(), of: row.of.clone(), block };
    (0..row.rollouts.div_ceil(SIZE)).filter_map(|block| kept.get(&key(block))).for_each(|one| all.add(one));
    all
}

fn count(row: &Row, block: u64) -> Count {
    let mut count = Count::default();
    for seed in block * SIZE..row.rollouts.min((block + 1) * SIZE) {
        let report = run(&row.spec, &row.scenario, seed);
        count.runs += 1;
        count.rolled_back += u64::from(matches!(report.ending, Ending::RolledBack { .. }));
        count.completed += u64::from(report.ending == Ending::Completed);
    }
    count
}

fn write(table: &Table, rows: &[Row], kept: &Blocks, code: &str) -> Result<()> {
    let mut text = String::from("# Good versions that are taken back\n\n");
    let _ = writeln!(
        text,
        "By `simulate aa-table`, {code}, a look each {} s. What it means: `README.md`.",
        table.look
    );
    let mut policy = "";
    for row in rows {
        if row.policy != policy {
            policy = row.policy;
            let _ = writeln!(text, "\n## Policy `{policy}`\n");
            text += "| users | rollouts | taken back | rate | 95 % upper bound | not ended |\n";
            text += "|---|---:|---:|---:|---:|---:|\n";
        }
        text += &line(&row.name, total(row, kept, code));
    }
    let path = table.out.join("aa.md");
    fs::create_dir_all(&table.out)?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// One line. The bound is exact and one-sided: the upper end of a two-sided interval of 90 %.
fn line(name: &str, all: Count) -> String {
    if all.runs == 0 {
        return format!("| {name} | 0 | | | | |\n");
    }
    let rate = all.rolled_back as f64 / all.runs as f64;
    let bound = share_interval(all.rolled_back, all.runs, 0.9).1;
    let waits = all.runs - all.rolled_back - all.completed;
    let percent = |share: f64| format!("{:.4} %", share * 100.0);
    format!(
        "| {name} | {} | {} | {} | {} | {waits} |\n",
        all.runs,
        all.rolled_back,
        percent(rate),
        percent(bound)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of 1,000 at a thousandth five or more are less likely than one in 200, three or more as likely
    /// as one in 12.
    #[test]
    fn what_cannot_be_chance_is_too_often() {
        let of = |rolled_back| Count { runs: 1_000, rolled_back, completed: 1_000 - rolled_back };
        assert_eq!([0, 3, 5, 40].map(|taken| is_too_often(of(taken), 0.001)), [false, false, true, true]);
        assert!(!is_too_often(Count::default(), 0.001));
    }

    /// Rule of three: without an event in n runs the bound is 1 − 0.05^(1/n), about 3/n.
    #[test]
    fn the_bound_is_one_sided() {
        let found = line("none", Count { runs: 1_000, rolled_back: 0, completed: 1_000 });
        assert_eq!(found, "| none | 1000 | 0 | 0.0000 % | 0.2991 % | 0 |\n");
    }

    #[test]
    fn every_specification_is_good() {
        let table = Table { rollouts: 1, look: 5.0, out: PathBuf::new(), blocks: PathBuf::new(), threads: 1 };
        let rows = rows(&table).unwrap();
        assert_eq!(rows.len(), 36);
        let mut digests: Vec<_> = rows.iter().map(|row| &row.of).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), rows.len());
    }
}
