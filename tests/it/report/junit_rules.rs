//! What the two public schemas of JUnit XML allow, as rules over a parsed document: Ant's `JUnit.xsd`
//! (Windy Road, 2011) and `junit-10.xsd` of Jenkins' xUnit plugin. A file must be valid by both.
//!
//! The rules were written from the schemas; nothing of the program is used. What they refuse and what
//! `xmllint --schema` refuses was held against each other for every row of `junit::BROKEN`.

use roxmltree::{Document, Node};

/// Values of an attribute.
#[derive(Clone, Copy)]
enum Is {
    /// Any text.
    Text,
    /// A token of at least one character.
    Word,
    /// `xs:int`, and not below zero.
    Count,
    /// `xs:decimal` that Jenkins reads as seconds.
    Seconds,
    /// A date and time without a zone.
    Moment,
}

/// Attributes of an element with their values, and whether they must be there.
type Attributes = &'static [(&'static str, Is, bool)];

const SUITE: Attributes = &[
    ("id", Is::Count, true),
    ("package", Is::Text, true),
    ("name", Is::Word, true),
    ("timestamp", Is::Moment, true),
    ("hostname", Is::Word, true),
    ("tests", Is::Count, true),
    ("failures", Is::Count, true),
    ("errors", Is::Count, true),
    ("skipped", Is::Count, false),
    ("time", Is::Seconds, true),
];
const CASE: Attributes =
    &[("name", Is::Text, true), ("classname", Is::Text, true), ("time", Is::Seconds, true)];
const FAULT: Attributes = &[("type", Is::Text, true), ("message", Is::Text, false)];
const SKIPPED: Attributes = &[("type", Is::Text, false), ("message", Is::Text, false)];
const PROPERTY: Attributes = &[("name", Is::Word, true), ("value", Is::Text, true)];

/// What is wrong with a file; nothing where it is valid.
pub(super) fn faults(text: &str) -> Vec<String> {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(fault) => return vec![fault.to_string()],
    };
    let mut faults = Vec::new();
    let root = document.root_element();
    if root.has_tag_name("testsuites") {
        check(root, &mut faults);
    } else {
        faults.push("the root is no `testsuites`".to_owned());
    }
    faults
}

fn check(node: Node<'_, '_>, faults: &mut Vec<String>) {
    let children: Vec<&str> = node.children().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
    let name = node.tag_name().name();
    let (known, allowed): (Attributes, bool) = match name {
        "testsuites" => (&[], children.iter().all(|child| *child == "testsuite")),
        "testsuite" => (SUITE, is_suite(&children)),
        "properties" => (&[], children.iter().all(|child| *child == "property")),
        "property" => (PROPERTY, children.is_empty()),
        "testcase" => (CASE, matches!(children[..], [] | ["skipped"] | ["error"] | ["failure"])),
        "skipped" => (SKIPPED, children.is_empty()),
        "error" | "failure" => (FAULT, children.is_empty()),
        "system-out" | "system-err" => (&[], children.is_empty()),
        _ => (&[], false),
    };
    if !allowed {
        faults.push(format!("{name}: {children:?} cannot stand in it"));
    }
    let holds_text = matches!(name, "error" | "failure" | "skipped" | "system-out" | "system-err");
    let mut texts = node.children().filter(Node::is_text).filter_map(|n| n.text());
    if !holds_text && texts.any(|text| !text.trim().is_empty()) {
        faults.push(format!("{name}: text cannot stand in it"));
    }
    attributes(node, known, faults);
    node.children().filter(Node::is_element).for_each(|child| check(child, faults));
}

/// `properties`, then cases, then `system-out` and `system-err`.
fn is_suite(children: &[&str]) -> bool {
    match children {
        ["properties", cases @ .., "system-out", "system-err"] => {
            cases.iter().all(|case| *case == "testcase")
        }
        _ => false,
    }
}

fn attributes(node: Node<'_, '_>, known: Attributes, faults: &mut Vec<String>) {
    let name = node.tag_name().name();
    for attribute in node.attributes() {
        match known.iter().find(|(known, ..)| *known == attribute.name()) {
            None => faults.push(format!("{name}: no attribute `{}`", attribute.name())),
            Some((_, is, _)) if !is.met_by(attribute.value()) => {
                faults.push(format!("{name}: {}=`{}`", attribute.name(), attribute.value()));
            }
            Some(_) => {}
        }
    }
    for (wanted, ..) in known.iter().filter(|(wanted, _, must)| *must && !node.has_attribute(*wanted)) {
        faults.push(format!("{name}: no `{wanted}`"));
    }
}

impl Is {
    fn met_by(self, value: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Text => true,
            Self::Word => !value.trim().is_empty(),
            Self::Count => digits(value) && value.parse::<i32>().is_ok(),
            Self::Seconds => {
                let (whole, part) = value.split_once('.').unwrap_or((value, "0"));
                digits(whole) && digits(part) && !whole.is_empty()
            }
            Self::Moment => {
                value.len() == 19 && value.parse::<jiff::civil::DateTime>().is_ok() && value.contains('T')
            }
        }
    }
}
