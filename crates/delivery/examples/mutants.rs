//! For each fault on purpose, the first seed whose simulated rollout finds it:
//! `cargo run --release -p taskmaster-delivery --features mutants --example mutants [SEEDS]`.
#![expect(clippy::disallowed_methods, reason = "an example is a program of its own: it reads its arguments")]

use taskmaster_delivery::mutant::{Mutant, with};
use taskmaster_delivery::sim::{Ending, any, run};

fn main() {
    let most = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(100_000);
    for mutant in Mutant::ALL {
        let found = (0..most).find_map(|seed| {
            let (_, spec, scenario) = any(seed);
            let report = with(mutant, || run(&spec, &scenario, seed));
            let stuck = matches!(report.ending, Ending::Stuck { .. }).then_some("every run ends");
            report.broken.map(|broken| broken.rule).or(stuck).map(|rule| (seed, rule))
        });
        match found {
            Some((seed, rule)) => println!("{mutant:?}: seed {seed}, {rule}"),
            None => println!("{mutant:?}: not found in {most} seeds"),
        }
    }
}
