//! Who sent a webhook: the signatures of GitHub, Gitea, Forgejo, GitLab and Standard Webhooks.
//!
//! | header | what it holds |
//! |---|---|
//! | `webhook-signature` (GitLab, Standard Webhooks) | `v1,` and base64 of HMAC-SHA256 of `ID.TIME.BODY`, of the headers `webhook-id` and `webhook-timestamp` |
//! | `X-Hub-Signature-256` (GitHub) | `sha256=` and hex of HMAC-SHA256 of the body |
//! | `X-Forgejo-Signature`, `X-Gitea-Signature` | hex of HMAC-SHA256 of the body |
//! | `X-Gitlab-Token` | the secret itself |
//!
//! The first of them that is there decides; a bad one is not rescued by another. All comparisons take the same time
//! whatever they find, and a body is hashed once, whatever is said about it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use std::collections::VecDeque;

/// How far the clock of a sender may be off, in seconds.
pub const TOLERANCE: i64 = 300;

/// Signatures of one request that are looked at: more than one are there while a secret is replaced.
const MOST_SIGNATURES: usize = 16;

/// Deliveries that are remembered, against their being sent again.
const REMEMBERED: usize = 4096;

/// A header by its name in small letters.
pub type Headers<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// It bears none of the signatures.
    #[error("no signature")]
    Unsigned,
    /// It bears one that is not of this body and secret.
    #[error("a wrong signature")]
    Wrong,
    /// It was signed too long ago, or in the future.
    #[error("a signature of another time")]
    Stale,
}

/// What tells a delivery from all others: whoever sends it again cannot change it.
pub type Delivery = Vec<u8>;

/// A request whose head was looked at, as far as that goes without its body. The body comes piece by piece, so that
/// nobody has to hold it, and is gone through once, however many signatures there are.
pub struct Check {
    hashed: hmac::Context,
    proof: Proof,
}

/// What the head brings forward.
enum Proof {
    /// The HMAC of the body.
    OfBody(Vec<u8>),
    /// HMACs, one of which is to be that of id, time and body.
    Standard { signatures: Vec<Vec<u8>>, id: Delivery, time: String },
    /// The secret itself, which was right. Nothing binds it to the body: the sender's own id is the best there is.
    Token(Option<Delivery>),
}

impl Check {
    /// Looks at the head. Who brings nothing that could be believed is not listened to.
    ///
    /// # Errors
    /// See [`Disbelief`].
    pub fn begin(headers: Headers<'_>, secret: &str) -> Result<Self, Disbelief> {
        if let Some(signatures) = headers("webhook-signature") {
            return Self::standard(headers, signatures, secret);
        }
        let hashed = hmac::Context::with_key(&key(secret.as_bytes()));
        if let Some(signature) = headers("x-hub-signature-256") {
            let signature = signature.strip_prefix("sha256=").and_then(hex).ok_or(Disbelief::Wrong)?;
            return Ok(Self { hashed, proof: Proof::OfBody(signature) });
        }
        if let Some(signature) = headers("x-forgejo-signature").or_else(|| headers("x-gitea-signature")) {
            let signature = hex(signature).ok_or(Disbelief::Wrong)?;
            return Ok(Self { hashed, proof: Proof::OfBody(signature) });
        }
        let token = headers("x-gitlab-token").ok_or(Disbelief::Unsigned)?;
        if !same(token.as_bytes(), secret.as_bytes()) {
            return Err(Disbelief::Wrong);
        }
        let id = headers("idempotency-key").or_else(|| headers("x-gitlab-event-uuid"));
        Ok(Self { hashed, proof: Proof::Token(id.map(|id| id.as_bytes().to_vec())) })
    }

    fn standard(headers: Headers<'_>, signatures: &str, secret: &str) -> Result<Self, Disbelief> {
        let id = headers("webhook-id").ok_or(Disbelief::Unsigned)?;
        let time = headers("webhook-timestamp").ok_or(Disbelief::Unsigned)?;
        // The specification gives secrets as base64 behind this prefix.
        let raw = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        let mut hashed = hmac::Context::with_key(&key(raw.as_deref().unwrap_or(secret.as_bytes())));
        hashed.update(format!("{id}.{time}.").as_bytes());
        let known = signatures.split(' ').take(MOST_SIGNATURES);
        let signatures = known.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).collect();
        let (id, time) = (id.as_bytes().to_vec(), time.to_owned());
        Ok(Self { hashed, proof: Proof::Standard { signatures, id, time } })
    }

    /// More of the body.
    pub fn body(&mut self, piece: &[u8]) {
        self.hashed.update(piece);
    }

    /// That was all of it. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// See [`Disbelief`].
    pub fn end(self, now: i64) -> Result<Delivery, Disbelief> {
        let hash = self.hashed.sign();
        match self.proof {
            Proof::OfBody(given) if same(&given, hash.as_ref()) => Ok(given),
            Proof::Standard { signatures, id, time }
                if signatures.iter().any(|given| same(given, hash.as_ref())) =>
            {
                let time: i64 = time.parse().map_err(|_| Disbelief::Stale)?;
                if now.abs_diff(time) > TOLERANCE.unsigned_abs() {
                    return Err(Disbelief::Stale);
                }
                Ok(id)
            }
            Proof::OfBody(_) | Proof::Standard { .. } => Err(Disbelief::Wrong),
            Proof::Token(id) => Ok(id.unwrap_or_else(|| hash.as_ref().to_vec())),
        }
    }
}

fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

/// Compares by their digests under a key of this call's own making, which takes the same time for all.
fn same(a: &[u8], b: &[u8]) -> bool {
    let key = key(b);
    hmac::verify(&key, a, hmac::sign(&key, b).as_ref()).is_ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// The last deliveries.
#[derive(Debug, Default)]
pub struct Seen {
    last: VecDeque<Delivery>,
}

impl Seen {
    /// True where the delivery was not seen before; it is now.
    pub fn is_new(&mut self, delivery: Delivery) -> bool {
        if self.last.contains(&delivery) {
            return false;
        }
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(delivery);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn ask(headers: &[(&str, &str)], body: &[u8], secret: &str) -> Result<Delivery, Disbelief> {
        let find = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let mut check = Check::begin(&find, secret)?;
        body.chunks(3).for_each(|piece| check.body(piece));
        check.end(NOW)
    }

    #[test]
    fn the_example_of_github_holds() {
        // docs.github.com, "Validating webhook deliveries": secret, payload and signature.
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!");
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(ask(&[("x-hub-signature-256", signature)], body, secret).is_ok());
        assert_eq!(
            ask(&[("x-hub-signature-256", signature)], b"Hello, World?", secret),
            Err(Disbelief::Wrong)
        );
        assert_eq!(ask(&[("x-hub-signature-256", signature)], body, "another"), Err(Disbelief::Wrong));
        assert_eq!(ask(&[("x-hub-signature-256", &signature[7..])], body, secret), Err(Disbelief::Wrong));
        // Gitea and Forgejo send the same digits without a prefix.
        for header in ["x-gitea-signature", "x-forgejo-signature"] {
            assert!(ask(&[(header, &signature[7..])], body, secret).is_ok());
            assert_eq!(ask(&[(header, &signature[7..69])], body, secret), Err(Disbelief::Wrong));
            assert_eq!(ask(&[(header, "xyz")], body, secret), Err(Disbelief::Wrong));
            assert_eq!(ask(&[(header, "")], body, secret), Err(Disbelief::Wrong));
        }
    }

    #[test]
    fn the_example_of_standard_webhooks_holds() {
        // github.com/standard-webhooks, the vector of its libraries' tests, moved to our time by signing anew with
        // openssl: printf 'msg_p5jXN8AQM9LWM0D4loKWxJek.1800000000.{"test": 2432232314}' | openssl dgst …
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let signed = |time: &str| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(&secret[6..]).unwrap());
            let text = format!("msg_1.{time}.{}", std::str::from_utf8(body).unwrap());
            format!("v1,{}", STANDARD.encode(hmac::sign(&key, text.as_bytes())))
        };
        let ask_at = |time: &str, signature: &str| {
            let headers =
                [("webhook-id", "msg_1"), ("webhook-timestamp", time), ("webhook-signature", signature)];
            ask(&headers, body, secret)
        };
        let good = signed("1800000000");
        assert_eq!(ask_at("1800000000", &good).unwrap(), b"msg_1");
        assert_eq!(ask_at("1800000000", &format!("v1a,xx {good}")).unwrap(), b"msg_1");
        let many = format!("{}{good}", "v1,eHh4 ".repeat(16));
        assert_eq!(ask_at("1800000000", &many), Err(Disbelief::Wrong), "so many are not looked at");
        assert_eq!(ask_at("1800000001", &good), Err(Disbelief::Wrong), "the time is signed");
        assert_eq!(ask_at("1799999699", &signed("1799999699")), Err(Disbelief::Stale));
        assert!(ask_at("1799999701", &signed("1799999701")).is_ok());
        assert_eq!(ask_at("soon", &signed("soon")), Err(Disbelief::Stale));
    }

    #[test]
    fn the_known_vector_of_standard_webhooks_has_our_key_and_frame() {
        // The vector as published, of another time: its signature is right and only its age is refused.
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(ask(&headers, br#"{"test": 2432232314}"#, secret), Err(Disbelief::Stale));
        assert_eq!(ask(&headers, br#"{"test": 2432232315}"#, secret), Err(Disbelief::Wrong));
    }

    #[test]
    fn a_token_is_the_secret_and_a_bad_signature_is_not_rescued_by_it() {
        let token = ("x-gitlab-token", "s3cret");
        assert!(ask(&[token], b"{}", "s3cret").is_ok());
        assert_eq!(ask(&[("x-gitlab-token", "s3cre")], b"{}", "s3cret"), Err(Disbelief::Wrong));
        assert_eq!(
            ask(&[token, ("x-hub-signature-256", "sha256=00")], b"{}", "s3cret"),
            Err(Disbelief::Wrong)
        );
        assert_eq!(ask(&[], b"{}", "s3cret"), Err(Disbelief::Unsigned));
        assert_eq!(ask(&[token, ("idempotency-key", "k1")], b"{}", "s3cret").unwrap(), b"k1");
    }

    #[test]
    fn what_was_seen_is_remembered_within_bounds() {
        let mut seen = Seen::default();
        assert!(seen.is_new(b"a".to_vec()) && !seen.is_new(b"a".to_vec()));
        for number in 0..REMEMBERED {
            assert!(seen.is_new(number.to_le_bytes().to_vec()));
        }
        assert_eq!(seen.last.len(), REMEMBERED);
        assert!(seen.is_new(b"a".to_vec()), "it was forgotten by now");
    }
}
