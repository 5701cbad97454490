//! A webhook: believed or not, about our branch or not, and then a nudge.

use super::signature::{Check, Disbelief, Headers, Seen};
use serde::Deserialize;

/// Largest body that is looked into for a branch; a larger one, once believed, is a nudge whatever it is about.
const LOOKED_INTO: usize = 1 << 20;

/// What is made of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It wakes the sync.
    Accepted,
    /// It is about something else: a ping, another branch.
    Ignored,
    /// It was here before.
    Replayed,
    /// It is not believed.
    Refused(Disbelief),
}

impl Verdict {
    /// Its name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Ignored => "ignored",
            Self::Replayed => "replayed",
            Self::Refused(_) => "refused",
        }
    }
}

/// The only field that is looked at.
#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    git_ref: Option<String>,
}

/// A webhook whose head was heard; its body comes piece by piece.
pub struct Hook {
    check: Check,
    event: String,
    /// The body as far as it is looked into; none of one that is too large for that.
    body: Option<Vec<u8>>,
}

impl Hook {
    /// Listens to whom may be believed.
    ///
    /// # Errors
    /// See [`Disbelief`].
    pub fn begin(headers: Headers<'_>, secret: &str) -> Result<Self, Disbelief> {
        let check = Check::begin(headers, secret)?;
        let event = ["x-github-event", "x-gitea-event", "x-forgejo-event", "x-gitlab-event"];
        let event = event.iter().find_map(|name| headers(name)).unwrap_or("push").to_lowercase();
        Ok(Self { check, event, body: Some(Vec::new()) })
    }

    /// More of its body.
    pub fn body(&mut self, piece: &[u8]) {
        self.check.body(piece);
        self.body = self.body.take().filter(|body| body.len() + piece.len() <= LOOKED_INTO);
        if let Some(body) = &mut self.body {
            body.extend_from_slice(piece);
        }
    }

    /// What is made of it. `followed` is the branch, tag or full ref of the sync.
    pub fn end(self, followed: &str, seen: &mut Seen, now: i64) -> Verdict {
        let delivery = match self.check.end(now) {
            Ok(delivery) => delivery,
            Err(disbelief) => return Verdict::Refused(disbelief),
        };
        if !seen.is_new(delivery) {
            return Verdict::Replayed;
        }
        if !self.event.contains("push") && self.event != "create" && self.event != "delete" {
            return Verdict::Ignored;
        }
        let push: Option<Push> = self.body.and_then(|body| serde_json::from_slice(&body).ok());
        match push.and_then(|push| push.git_ref) {
            Some(git_ref) if !is_about(&git_ref, followed) => Verdict::Ignored,
            _ => Verdict::Accepted,
        }
    }
}

/// Judges one whose body is there.
pub fn judge(
    headers: Headers<'_>,
    body: &[u8],
    secret: &str,
    followed: &str,
    seen: &mut Seen,
    now: i64,
) -> Verdict {
    match Hook::begin(headers, secret) {
        Ok(mut hook) => {
            hook.body(body);
            hook.end(followed, seen, now)
        }
        Err(disbelief) => Verdict::Refused(disbelief),
    }
}

/// True where a pushed ref may be the one that is followed. `HEAD` and commits may be anywhere.
fn is_about(git_ref: &str, followed: &str) -> bool {
    let short = |name: &str| {
        let name =
            name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).unwrap_or(name);
        name.to_owned()
    };
    let anywhere =
        followed == "HEAD" || (followed.len() >= 40 && followed.bytes().all(|b| b.is_ascii_hexdigit()));
    anywhere || short(git_ref) == short(followed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(headers: &[(&str, &str)], body: &str, followed: &str) -> Verdict {
        let all: Vec<(&str, &str)> =
            [("x-gitlab-token", "s")].into_iter().chain(headers.iter().copied()).collect();
        let find = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        judge(&find, body.as_bytes(), "s", followed, &mut Seen::default(), 0)
    }

    #[test]
    fn a_push_to_the_branch_wakes_and_all_else_does_not() {
        let push = ("x-gitlab-event", "Push Hook");
        assert_eq!(told(&[push], r#"{"ref":"refs/heads/main"}"#, "main"), Verdict::Accepted);
        assert_eq!(told(&[push], r#"{"ref":"refs/heads/main"}"#, "refs/heads/main"), Verdict::Accepted);
        assert_eq!(told(&[push], r#"{"ref":"refs/heads/mainly"}"#, "main"), Verdict::Ignored);
        assert_eq!(told(&[push], r#"{"ref":"refs/heads/x"}"#, "HEAD"), Verdict::Accepted);
        assert_eq!(
            told(&[("x-gitlab-event", "Tag Push Hook")], r#"{"ref":"refs/tags/v1"}"#, "v1"),
            Verdict::Accepted
        );
        assert_eq!(told(&[("x-github-event", "ping")], r#"{"zen":"x"}"#, "main"), Verdict::Ignored);
        assert_eq!(told(&[("x-gitlab-event", "Issue Hook")], "{}", "main"), Verdict::Ignored);
        // Who cannot be understood and is believed may mean us.
        assert_eq!(told(&[push], "payload=%7B%7D", "main"), Verdict::Accepted);
    }

    /// However large it is, no more of it is held than what is looked into.
    #[test]
    fn a_large_body_is_a_nudge_and_is_not_held() {
        let find = |name: &str| (name == "x-gitlab-token").then_some("s");
        let mut hook = Hook::begin(&find, "s").unwrap();
        let piece = vec![b' '; LOOKED_INTO / 4];
        for _ in 0..4 {
            hook.body(&piece);
        }
        assert_eq!(hook.body.as_ref().map(Vec::len), Some(LOOKED_INTO));
        hook.body(br#"{"ref":"refs/heads/other"}"#);
        hook.body(&piece);
        assert_eq!(hook.body, None);
        assert_eq!(hook.end("main", &mut Seen::default(), 0), Verdict::Accepted);
    }

    #[test]
    fn the_same_delivery_wakes_once() {
        let find = |name: &str| match name {
            "x-gitlab-token" => Some("s"),
            "idempotency-key" => Some("one"),
            _ => None,
        };
        let mut seen = Seen::default();
        assert_eq!(judge(&find, b"{}", "s", "main", &mut seen, 0), Verdict::Accepted);
        assert_eq!(judge(&find, b"{}", "s", "main", &mut seen, 0), Verdict::Replayed);
        assert_eq!(judge(&find, b"{}", "t", "main", &mut seen, 0), Verdict::Refused(Disbelief::Wrong));
    }
}
