//! Whatever way a document took: a place that followed it commit by commit stands where one stands that only ever
//! saw the last commit.

use super::super::cli::sandbox;
use super::origin::Origin;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use taskmaster_testkit::Sandbox;

const STORIES: u64 = 6;
const COMMITS: usize = 5;

/// A task as an author thinks of it.
#[derive(Clone, Debug)]
struct Idea {
    title: String,
    phase: usize,
    version: u32,
    has_check: bool,
    mark: char,
    after: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Text {
    ideas: Vec<Idea>,
    made: u32,
}

const WORDS: [&str; 8] = ["database", "gateway", "queue", "metrics", "login", "billing", "search", "mailer"];

impl Text {
    fn add(&mut self, random: &mut Pcg64) {
        self.made += 1;
        let word = WORDS[random.random_range(0..WORDS.len())];
        let title = format!("Install the {word} number {}", self.made);
        let after =
            self.ideas.get(random.random_range(0..self.ideas.len().max(1))).map(|idea| idea.title.clone());
        let idea = Idea {
            title,
            phase: random.random_range(0..3),
            version: 1,
            has_check: random.random_range(0..2) == 0,
            mark: ' ',
            after: after.filter(|_| random.random_range(0..3) == 0),
        };
        let place = random.random_range(0..=self.ideas.len());
        self.ideas.insert(place, idea);
    }

    fn edit(&mut self, random: &mut Pcg64) {
        if self.ideas.len() < 3 {
            return self.add(random);
        }
        let at = random.random_range(0..self.ideas.len());
        match random.random_range(0..9) {
            0 | 1 => self.add(random),
            2 => {
                let gone = self.ideas.remove(at).title;
                self.ideas
                    .iter_mut()
                    .filter(|idea| idea.after.as_ref() == Some(&gone))
                    .for_each(|idea| idea.after = None);
            }
            3 | 4 => self.ideas[at].version += 1,
            5 => self.ideas[at].phase = random.random_range(0..3),
            6 => self.ideas[at].has_check ^= true,
            7 => self.ideas[at].mark = if self.ideas[at].mark == ' ' { 'x' } else { ' ' },
            _ => {
                let (old, new) = (self.ideas[at].title.clone(), format!("{} again", self.ideas[at].title));
                self.ideas[at].title.clone_from(&new);
                for idea in &mut self.ideas {
                    if idea.after.as_ref() == Some(&old) {
                        idea.after = Some(new.clone());
                    }
                }
            }
        }
    }

    fn prd(&self) -> String {
        let mut text = "# Story\n".to_owned();
        for phase in 0..3 {
            let _ = writeln!(text, "\n## Phase {}: P{phase}\n", phase + 1);
            for idea in self.ideas.iter().filter(|idea| idea.phase == phase) {
                // Only what stands in the same phase or before it: no cycle with the phases' own order.
                let allowed = |title: &String| {
                    let place = |wanted: &String| self.ideas.iter().position(|idea| idea.title == *wanted);
                    let (here, there) = (place(&idea.title), place(title));
                    there.is_some_and(|there| {
                        self.ideas[there].phase < phase
                            || (self.ideas[there].phase == phase && Some(there) < here)
                    })
                };
                let after = idea.after.as_ref().filter(|title| allowed(title));
                let after = after.map(|title| format!(" (depends on: {title})")).unwrap_or_default();
                let _ = writeln!(text, "- [{}] {}{after}", idea.mark, idea.title);
            }
        }
        text
    }

    fn catalogue(&self) -> String {
        let mut text = "tasks:\n".to_owned();
        for idea in &self.ideas {
            let slug = idea.title.to_lowercase().replace(' ', "-");
            let (file, version) = (format!("w-{slug}"), idea.version);
            let check = match idea.has_check {
                true => format!("check: {{exec: [grep, -qx, '{version}', {file}], false_codes: [1, 2]}}, "),
                false => String::new(),
            };
            let _ = writeln!(
                text,
                "  p{}/{slug}: {{{check}run: {{shell: 'echo {version} >{file}'}}, undo: {{exec: [rm, -f, {file}]}}}}",
                idea.phase
            );
        }
        text
    }
}

/// What the ledger says about every task: status, and the digest of what it was done by.
fn ledger(place: &Sandbox) -> BTreeMap<String, (String, String)> {
    let report = place.run("report -o json").code(0).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tasks = report["tasks"].as_array().unwrap().clone();
    let told = |task: &Value| {
        // A mark is taken for done where nothing was ever done: nothing has a digest then.
        let digest = if task["claim"] == "completed" { String::new() } else { text(&task["digest"]) };
        (text(&task["id"]), (text(&task["status"]), digest))
    };
    tasks.iter().map(told).collect()
}

fn sync(place: &Sandbox, origin: &Origin) {
    let line = format!("sync --repo {} --path prd.md --once --prune --no-wait", origin.path().display());
    place.run(&line).code(0);
}

#[test]
fn whoever_follows_step_by_step_stands_where_the_last_step_leads() {
    for seed in 0..STORIES {
        let mut random = Pcg64::seed_from_u64(seed);
        let (origin, mut text) = (Origin::new(), Text::default());
        (0..5).for_each(|_| text.add(&mut random));
        let follower = sandbox();
        for step in 0..COMMITS {
            origin.pull();
            origin
                .write("prd.md", text.prd())
                .write("tasks/local.yaml", text.catalogue())
                .save(&format!("step {step}"));
            sync(&follower, &origin);
            // A plan in between is only a look.
            let before = ledger(&follower);
            follower.run("plan").code(0);
            assert_eq!(ledger(&follower), before);
            (0..random.random_range(1..4)).for_each(|_| text.edit(&mut random));
        }
        let newcomer = sandbox();
        sync(&newcomer, &origin);
        assert_eq!(ledger(&follower), ledger(&newcomer), "story {seed}\n{}", text.prd());
        follower.run("audit").code(0);
    }
}
