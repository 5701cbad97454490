//! Both ends of the differential test against Argo Rollouts; `tests/differential/run` joins them by pipes.
//!
//!     differential generate COUNT SEED | PEER | differential compare SEED

#[path = "../tests/it/replicas/generate.rs"]
mod generate;
#[path = "../tests/it/replicas/question.rs"]
mod question;

use generate::Generator;
use question::Question;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufWriter, Write, stdin, stdout};

/// A line of the peer's.
#[derive(Deserialize)]
struct Answered {
    question: Value,
    answer: Value,
    panic: Option<String>,
}

#[expect(clippy::disallowed_methods, reason = "a program has arguments")]
fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["generate", count, seed] => generate(count.parse()?, seed.parse()?),
        ["compare", seed] => compare(seed),
        _ => Err("differential generate COUNT SEED, or differential compare SEED".into()),
    }
}

fn generate(count: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let mut generator = Generator::new(seed);
    let mut out = BufWriter::new(stdout().lock());
    for _ in 0..count {
        serde_json::to_writer(&mut out, &generator.question())?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// How many questions of each function and answer there were, and where the peer stopped.
fn compare(seed: &str) -> Result<(), Box<dyn Error>> {
    let mut agreed: BTreeMap<(String, &str), u64> = BTreeMap::new();
    for line in stdin().lock().lines() {
        let line = line?;
        let peer: Answered = serde_json::from_str(&line)?;
        let function = peer.question["function"].as_str().unwrap_or("?").to_owned();
        let ours = serde_json::from_value::<Question>(peer.question)?.answer()?;
        let kind = match peer.panic {
            Some(_) => "upstream panics",
            None if ours != peer.answer => {
                return Err(format!("seed {seed}: ours is {ours}, upstream's differs: {line}").into());
            }
            None => kind(&ours),
        };
        *agreed.entry((function, kind)).or_default() += 1;
    }
    let all: u64 = agreed.values().sum();
    for ((function, kind), count) in agreed {
        println!("{count:>9} {function} {kind}");
    }
    println!("{all:>9} in all, seed {seed}");
    Ok(())
}

fn kind(answer: &Value) -> &'static str {
    match answer {
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Object(fields) if fields.get("weight").is_some_and(Value::is_null) => "nothing changes",
        _ => "",
    }
}
