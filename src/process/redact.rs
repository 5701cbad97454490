//! Takes secrets out of texts.
//!
//! A program may print a secret in another dress: as JSON, in a URL, in base64 (also as a part of
//! a longer base64 text, such as `user:password`), in hexadecimal, wrapped into lines. A
//! [`Redactor`] knows these forms of every secret of an attempt and puts `<secret env:NAME>` in
//! their place. [`RedactStream`] does the same for text that comes in pieces, wherever they are
//! cut: it holds back an end that may be the beginning of a secret, and nothing else.
//!
//! A secret under four bytes is not looked for: it would turn up everywhere by chance.
//! [`Redactor::too_short`] names those.

use super::show::harmless;
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Shortest secret that is looked for, in bytes.
pub const MIN_SECRET: usize = 4;

/// Shortest line of a secret of several lines that is looked for by itself, in bytes: keys are
/// often printed indented, but a line such as `}` is no secret.
const MIN_LINE: usize = 8;

/// Finds secrets in any of their forms.
pub struct Redactor {
    automaton: AhoCorasick,
    /// The forms, for the question whether a text may go on as one.
    forms: Vec<Zeroizing<Vec<u8>>>,
    /// What stands in the place of each form.
    labels: Vec<Arc<str>>,
    longest: usize,
    too_short: Vec<String>,
}

/// What it looks for is what nobody may see.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("forms", &self.forms.len()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor for secrets, each with the name that is shown for it (`env:NAME`). None where
    /// there is nothing to look for.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (String, &'a str)>) -> Option<Self> {
        let mut all: BTreeMap<Vec<u8>, Arc<str>> = BTreeMap::new();
        let mut too_short = Vec::new();
        for (name, value) in secrets {
            if value.trim_end_matches(['\r', '\n']).len() < MIN_SECRET {
                too_short.push(name);
                continue;
            }
            let label: Arc<str> = format!("<secret {name}>").into();
            for form in forms(value) {
                all.entry(form).or_insert_with(|| Arc::clone(&label));
            }
        }
        let labels = all.values().cloned().collect();
        let forms: Vec<_> = all.into_keys().map(Zeroizing::new).collect();
        let longest = forms.iter().map(|form| form.len()).max()?;
        // Too many or too large forms for one automaton cannot be: 4 GiB of them.
        let automaton = AhoCorasick::new(forms.iter().map(|form| form.as_slice())).ok()?;
        Some(Self { automaton, forms, labels, longest, too_short })
    }

    /// Names of secrets that are too short to be looked for.
    pub fn too_short(&self) -> &[String] {
        &self.too_short
    }

    /// A text without secrets.
    pub fn text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.bytes(text.as_bytes())).into_owned()
    }

    /// Bytes without secrets.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut state = StreamState::default();
        let mut out = Vec::with_capacity(bytes.len());
        state.push(self, bytes, &mut out);
        state.finish(self, &mut out);
        out
    }

    /// Rewrites a file that nobody writes any more so that it holds no secret: by a temporary file
    /// beside it that takes its place. True if there was one.
    ///
    /// # Errors
    /// Those of reading and writing; the file is as it was then.
    pub fn file(&self, path: &Path) -> io::Result<bool> {
        let mut from = File::open(path)?;
        let mut to = super::bound::replacement(path)?;
        let mut state = StreamState::default();
        let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
        let mut out = Vec::new();
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            state.push(self, &buffer[..count], &mut out);
            to.write_all(&out)?;
            out.clear();
        }
        let found = state.finish(self, &mut out);
        to.write_all(&out)?;
        if found {
            to.persist(path).map_err(|fault| fault.error)?;
        }
        Ok(found)
    }

    /// Where the text's end may be the beginning of a form: the first place from which on all of
    /// it is a proper prefix of one.
    fn unfinished(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest - 1);
        (from..text.len())
            .find(|start| {
                let end = &text[*start..];
                self.forms.iter().any(|form| form.len() > end.len() && form.starts_with(end))
            })
            .unwrap_or(text.len())
    }
}

/// Redacts a text that comes in pieces.
pub struct RedactStream {
    redactor: Arc<Redactor>,
    state: StreamState,
}

/// What it holds back may be a part of a secret.
impl fmt::Debug for RedactStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactStream").field("redactor", &self.redactor).finish_non_exhaustive()
    }
}

impl RedactStream {
    /// A new stream.
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, state: StreamState::default() }
    }

    /// Adds a piece; what is sure to hold no part of a secret is appended to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.state.push(&self.redactor, piece, out);
    }

    /// No more pieces: the rest is appended to `out`.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.state.finish(&self.redactor, out);
    }
}

#[derive(Default)]
struct StreamState {
    held: Zeroizing<Vec<u8>>,
    /// The held text begins right after a line break or the blanks that follow one.
    after_break: bool,
    /// So many of the first folded bytes belong to a secret whose label is written already.
    covered: usize,
    found: bool,
}

impl StreamState {
    fn push(&mut self, redactor: &Redactor, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(piece);
        self.emit(redactor, out, false);
    }

    fn finish(&mut self, redactor: &Redactor, out: &mut Vec<u8>) -> bool {
        self.emit(redactor, out, true);
        self.found
    }

    fn emit(&mut self, redactor: &Redactor, out: &mut Vec<u8>, last: bool) {
        let folded = Folded::new(&self.held, self.after_break);
        let length = folded.bytes.len();
        let cut = if last { length } else { redactor.unfinished(&folded.bytes) };
        let cut_at = folded.places.get(cut).copied().unwrap_or(self.held.len());
        let mut written = 0;
        let mut covered = 0;
        for (start, end, label) in self.secrets(redactor, &folded.bytes) {
            if start >= cut {
                // All that is held may still go on; what is covered stays covered.
                covered = if label.is_none() { end - cut } else { 0 };
                break;
            }
            out.extend_from_slice(&self.held[written..folded.places[start]]);
            if let Some(label) = label {
                out.extend_from_slice(label.as_bytes());
                self.found = true;
            }
            written = folded.places[end.min(cut) - 1] + 1;
            covered = end.saturating_sub(cut);
        }
        // A secret's line breaks go with it, also those at which the text is cut.
        if covered == 0 {
            out.extend_from_slice(&self.held[written..cut_at]);
        }
        self.covered = covered;
        // Where something is held, its first byte is one that folding keeps.
        self.after_break = cut == length && folded.after_break;
        self.held = Zeroizing::new(self.held[cut_at..].to_vec());
    }

    /// Ranges of the folded text that are secret, joined where they overlap, in order. The first
    /// has no label where that was written with the piece before.
    fn secrets<'r>(&self, redactor: &'r Redactor, text: &[u8]) -> Vec<(usize, usize, Option<&'r Arc<str>>)> {
        let mut found: Vec<_> = redactor
            .automaton
            .find_overlapping_iter(text)
            .map(|hit| (hit.start(), hit.end(), Some(&redactor.labels[hit.pattern().as_usize()])))
            .collect();
        if self.covered > 0 {
            found.push((0, self.covered, None));
        }
        // The longest first where several begin together; what is covered already before all.
        found.sort_by_key(|(start, end, label)| (*start, label.is_some(), std::cmp::Reverse(*end)));
        let mut joined: Vec<(usize, usize, Option<&Arc<str>>)> = Vec::new();
        for (start, end, label) in found {
            match joined.last_mut() {
                Some(before) if start < before.1 => before.1 = before.1.max(end),
                _ => joined.push((start, end, label)),
            }
        }
        joined
    }
}

/// A text without its line breaks and the blanks after them, and where each byte stood.
struct Folded {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
    after_break: bool,
}

impl Folded {
    fn new(text: &[u8], mut after_break: bool) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut places = Vec::with_capacity(text.len());
        for (place, byte) in text.iter().enumerate() {
            match byte {
                b'\n' | b'\r' => after_break = true,
                b' ' | b'\t' if after_break => {}
                _ => {
                    after_break = false;
                    bytes.push(*byte);
                    places.push(place);
                }
            }
        }
        Self { bytes, places, after_break }
    }
}

/// Every form in which a secret is looked for, folded.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let mut texts = vec![value.to_owned(), value.trim_end_matches(['\r', '\n']).to_owned()];
    texts.extend(value.lines().map(str::trim).filter(|line| is_telling_line(line, value)).map(str::to_owned));
    // As logs and displays have it.
    texts.push(harmless(value.as_bytes()));
    let plain = texts.clone();
    for text in &plain {
        let json = json_text(text);
        texts.extend([json_text(&json), json.replace('/', "\\/"), html_safe_json(&json), json]);
        texts.extend(url_texts(text));
        texts.extend(base64_texts(text.as_bytes()));
        texts.extend([hex(text, false), hex(text, true), xml_text(text), text.replace('\'', "'\\''")]);
    }
    texts
        .into_iter()
        .map(|text| Folded::new(text.as_bytes(), false).bytes.to_vec())
        .filter(|form| form.len() >= MIN_SECRET)
        .collect()
}

fn is_telling_line(line: &str, value: &str) -> bool {
    line.len() >= MIN_LINE && line.len() < value.len() && !line.starts_with("-----")
}

/// As it stands between the quotes of a JSON string.
fn json_text(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As encoders write JSON that is to stand in HTML.
fn html_safe_json(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn xml_text(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Percent-encoded: with what RFC 3986 leaves, what JavaScript leaves, what paths leave, and as in
/// forms; with digits in upper and lower case.
fn url_texts(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for kept in ["-._~", "-._~!*'()", "-._~/", "*-._"] {
        for upper in [true, false] {
            let encoded = percent(text, kept, upper);
            all.push(encoded.replace("%20", "+"));
            all.push(encoded);
        }
    }
    all
}

fn percent(text: &str, kept: &str, upper: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            push_hex(&mut out, byte, upper);
        }
    }
    out
}

fn hex(text: &str, upper: bool) -> String {
    let mut out = String::new();
    text.bytes().for_each(|byte| push_hex(&mut out, byte, upper));
    out
}

fn push_hex(out: &mut String, byte: u8, upper: bool) {
    // Writing to a string cannot fail.
    let _ = if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
}

/// What is the same in base64 wherever the secret stands in the encoded text: for each of the
/// three offsets, the characters that depend on the secret's bits alone.
fn base64_texts(bytes: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for (offset, foreign) in [(0, 0), (1, 2), (2, 3)] {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(bytes);
        let own = padded.len() * 8 / 6;
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            all.push(encoded[foreign..own].to_owned());
            // At the end of the encoded text the last character is known too.
            all.push(encoded[foreign..].to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    const SECRET: &str = "p@ss/w\"örd & <more>";

    fn one() -> Arc<Redactor> {
        Arc::new(Redactor::new([("env:S".to_owned(), SECRET)]).unwrap())
    }

    #[test]
    fn what_is_looked_for_is_not_shown() {
        let mut stream = RedactStream::new(one());
        stream.push(&SECRET.as_bytes()[..6], &mut Vec::new());
        let shown = format!("{:?} {stream:?}", one());
        let bytes: Vec<String> = SECRET.bytes().take(4).map(|byte| byte.to_string()).collect();
        assert!(!shown.contains(&SECRET[..4]) && !shown.contains(&bytes.join(", ")), "{shown}");
        assert!(shown.len() < 200, "{shown}");
    }

    #[test]
    fn every_dress_is_known() {
        let redactor = one();
        let url = "p%40ss%2Fw%22%C3%B6rd%20%26%20%3Cmore%3E";
        let wrapped: String = STANDARD
            .encode(SECRET)
            .as_bytes()
            .chunks(7)
            .map(|c| String::from_utf8_lossy(c) + "\r\n  ")
            .collect();
        // Each text, and how many characters of it are not the secret's alone.
        let texts = [
            (SECRET.to_owned(), 0),
            (serde_json::json!({ "x": SECRET }).to_string(), 8),
            (serde_json::json!(serde_json::json!({ "x": SECRET }).to_string()).to_string(), 14),
            ("p@ss/w\\\"örd \\u0026 \\u003cmore\\u003e".to_owned(), 0),
            (url.to_owned(), 0),
            (url.to_lowercase(), 0),
            (url.replace("%20", "+"), 0),
            (STANDARD.encode(SECRET), 1),
            (STANDARD.encode(format!("user:{SECRET}")), 9),
            (STANDARD.encode(format!("u:{SECRET}:x")), 8),
            (STANDARD.encode(format!("us:{SECRET}yz")), 10),
            (URL_SAFE_NO_PAD.encode(SECRET), 0),
            (hex(SECRET, false), 0),
            (hex(SECRET, true), 0),
            ("p@ss/w&quot;örd &amp; &lt;more&gt;".to_owned(), 0),
            (wrapped, 5),
            (SECRET.replace('w', "\n  \tw"), 0),
        ];
        for (text, rest) in texts {
            let shown = redactor.text(&format!("before {text} after"));
            assert!(shown.contains("<secret env:S>"), "{text} -> {shown}");
            let left = shown.replace("<secret env:S>", "").len() - "before  after".len();
            assert!(left <= rest, "{text} -> {shown}: {left}");
        }
    }

    #[test]
    fn lines_of_a_key_are_secrets_of_their_own() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n}\n-----END KEY-----\n";
        let redactor = Redactor::new([("file:k".to_owned(), key)]).unwrap();
        assert_eq!(redactor.text("see kqhkiG9w0BAQEF."), "see <secret file:k>.");
        assert_eq!(redactor.text("} -----BEGIN KEY-----"), "} -----BEGIN KEY-----");
        assert_eq!(
            redactor.text(&format!("a {} b", key.trim_end().replace('\n', "\n    "))),
            "a <secret file:k> b"
        );
    }

    #[test]
    fn overlapping_secrets_leave_nothing() {
        let redactor =
            Redactor::new([("env:A".to_owned(), "abcdef"), ("env:B".to_owned(), "defghi")]).unwrap();
        assert_eq!(redactor.text("-abcdefghi-"), "-<secret env:A>-");
        assert_eq!(redactor.text("-defghiabcdef-"), "-<secret env:B><secret env:A>-");
    }

    #[test]
    fn short_secrets_are_named_and_not_looked_for() {
        assert!(Redactor::new([("env:PIN".to_owned(), "123")]).is_none());
        let redactor =
            Redactor::new([("env:PIN".to_owned(), "123\n"), ("env:S".to_owned(), "4567")]).unwrap();
        assert_eq!(redactor.too_short(), ["env:PIN"]);
        assert_eq!(redactor.text("123 4567"), "123 <secret env:S>");
    }

    #[test]
    fn only_a_possible_beginning_is_held_back() {
        let mut stream = RedactStream::new(one());
        let mut out = Vec::new();
        stream.push(b"all of this is shown at once p@", &mut out);
        assert_eq!(out, b"all of this is shown at once ");
        stream.push(b"x\n", &mut out);
        assert_eq!(out, b"all of this is shown at once p@x\n");
    }

    #[test]
    fn a_file_is_rewritten_only_if_it_holds_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, format!("{}x{SECRET}y", "-".repeat(64 * 1024 - 5))).unwrap();
        assert!(one().file(&path).unwrap());
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("-x<secret env:S>y"));
        assert!(!one().file(&path).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    proptest! {
        /// However the text is cut into pieces, the result is that of the whole.
        #[test]
        fn pieces_do_not_matter(
            parts in prop::collection::vec(prop::sample::select(vec![
                "abab", "ab", "a", "b", "\n", " ", "c", "abac", "YWJhYg", "61626162"]), 0..24),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let secrets = [("A".to_owned(), "abab"), ("B".to_owned(), "baba"), ("C".to_owned(), "abac\nbb")];
            let redactor = Arc::new(Redactor::new(secrets).unwrap());
            let text = parts.concat();
            let whole = redactor.bytes(text.as_bytes());
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut stream = RedactStream::new(Arc::clone(&redactor));
            let mut out = Vec::new();
            for pair in cuts.windows(2) {
                stream.push(&text.as_bytes()[pair[0]..pair[1]], &mut out);
            }
            stream.finish(&mut out);
            let shown = String::from_utf8_lossy(&out).into_owned();
            prop_assert_eq!(&shown, &String::from_utf8_lossy(&whole));
            let folded = Folded::new(&whole, false).bytes.to_vec();
            for secret in ["abab", "baba", "abacbb"] {
                prop_assert!(!String::from_utf8_lossy(&folded).contains(secret), "{}", shown);
            }
        }
    }
}
