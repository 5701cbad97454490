//! Recomputes the chain from an export alone. Nothing of taskmaster is used here.

use serde_json::Value;

const EVENT: &str = "https://taskmaster.dev/attestation/ledger-event/v1";
const HEAD: &str = "https://taskmaster.dev/attestation/ledger-head/v1";

/// The head (place and hash) that the lines lead to, or what is wrong with them.
pub(super) fn verify(lines: &str) -> Result<String, String> {
    let mut before: Option<(u64, String)> = None;
    let mut lines = lines.lines();
    for line in lines.by_ref() {
        let statement: Value = serde_json::from_str(line).map_err(|fault| fault.to_string())?;
        let predicate = &statement["predicate"];
        let (seq, hash) = (number(predicate, "seq")?, text(predicate, "hash")?);
        if text(&statement["subject"][0]["digest"], "taskmaster_ledger_v1")? != hash {
            return Err(format!("event {seq}: subject and predicate differ"));
        }
        match text(&statement, "predicateType")? {
            EVENT => {
                let previous = text(predicate, "previous")?;
                let origin = (0, "0".repeat(64));
                let follows = match before.as_ref().or((seq == 1).then_some(&origin)) {
                    Some((place, hash)) => place + 1 == seq && hash == previous,
                    // The first line of an export that begins later: its `previous` is to be compared
                    // with what was kept.
                    None => true,
                };
                if !follows {
                    return Err(format!("event {seq} does not follow the one before"));
                }
                if recomputed(predicate)? != hash {
                    return Err(format!("event {seq}: its hash is not that of its content"));
                }
                before = Some((seq, hash.to_owned()));
            }
            HEAD if predicate["holds"] == true => {
                if before.is_some_and(|end| end != (seq, hash.to_owned())) {
                    return Err("the head is not the last event".to_owned());
                }
                let rest = lines.next();
                return rest.map_or(Ok(format!("{seq} {hash}")), |_| Err("lines after the head".to_owned()));
            }
            HEAD => return Err(format!("it says itself that it is broken: {}", predicate["broken"])),
            other => return Err(format!("a statement of the type {other}")),
        }
    }
    Err("no statement about the head".to_owned())
}

/// The hash of an event by the formula.
fn recomputed(event: &Value) -> Result<String, String> {
    let mut frame = Vec::new();
    frame.extend(blake3::Hash::from_hex(text(event, "previous")?).map_err(|e| e.to_string())?.as_bytes());
    frame.extend(number(event, "seq")?.to_le_bytes());
    frame.extend(event["at_us"].as_i64().ok_or("at_us is no number")?.to_le_bytes());
    for part in ["stream", "kind", "json"] {
        let part = text(event, part)?;
        frame.extend((part.len() as u64).to_le_bytes());
        frame.extend(part.as_bytes());
    }
    let hash = blake3::derive_key("taskmaster ledger event v1", &frame);
    Ok(blake3::Hash::from_bytes(hash).to_hex().to_string())
}

fn number(value: &Value, name: &str) -> Result<u64, String> {
    value[name].as_u64().ok_or_else(|| format!("{name} is no number"))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, String> {
    value[name].as_str().ok_or_else(|| format!("{name} is no text"))
}
