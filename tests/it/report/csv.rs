//! CSV, read by the rules of RFC 4180 and nothing else.

use super::sample;
use taskmaster_core::state::TaskState;

/// Records of fields. Panics on what the grammar of RFC 4180 has no place for.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => escaped(quoted),
            None => {
                let end = rest.find([',', '\r']).expect("a field ends");
                assert!(!rest[..end].contains(['"', '\n']), "a bare field is plain: {:?}", &rest[..end]);
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        record.push(field);
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None => {
                records.push(std::mem::take(&mut record));
                after.strip_prefix("\r\n").expect("a record ends with CRLF")
            }
        };
    }
    assert!(record.is_empty(), "the last record is whole");
    records
}

fn escaped(mut rest: &str) -> (String, &str) {
    let mut field = String::new();
    loop {
        let end = rest.find('"').expect("a quoted field ends");
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => (field.push('"'), rest = more),
            None => return (field, rest),
        };
    }
}

#[test]
fn a_row_is_a_task() {
    let rows = read(&sample::platform().csv());
    assert_eq!(rows.len(), 40);
    let header = rows[0].join(",");
    assert_eq!(
        header,
        "ref,id,title,phase,phase_title,parent,priority,owner,tags,line,claim,status,state,reason,drifted,proof,\
         kind,attempts,started,ended,duration_ms,last_duration_ms,estimate,document,environment,run"
    );
    assert!(rows.iter().all(|row| row.len() == 26));
    let cell = |row: usize, name: &str| {
        let column = rows[0].iter().position(|column| column == name).unwrap();
        rows[row][column].as_str()
    };
    assert_eq!(cell(20, "ref"), "3.6");
    assert_eq!((cell(20, "status"), cell(20, "state"), cell(20, "attempts")), ("failed", "failed", "3"));
    assert_eq!(cell(20, "reason"), "exit code 1: 12 of 40000 requests were dropped <b>during</b> the switch");
    assert_eq!(cell(20, "started"), "2026-07-04T09:08:55Z");
    assert_eq!(cell(21, "reason"), "by blue-green-delivery/task-6");
    assert_eq!((cell(2, "status"), cell(2, "state"), cell(2, "proof")), ("completed", "satisfied", "check"));
    assert_eq!(cell(14, "title"), "Check <script>alert('the controller')</script> \"health\" & 'readiness'");
    assert_eq!((cell(4, "owner"), cell(1, "tags"), cell(39, "duration_ms")), ("dana", "infra", ""));
    assert_eq!(cell(1, "phase_title"), "1. Foundations of the cluster");
}

#[test]
fn no_cell_is_run_by_a_spreadsheet() {
    let formulas = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-2+3",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n-1",
        "＝1",
        "\u{1b}[1m=1",
        "\u{0}=1",
    ];
    for formula in formulas {
        let mut view = sample::platform();
        for task in &mut view.tasks {
            task.title = formula.to_owned();
            task.owner = Some(formula.to_owned());
            task.tags = vec![formula.to_owned(), formula.to_owned()];
            task.state = TaskState::Failed { reason: formula.to_owned() };
        }
        for row in read(&view.csv()) {
            for cell in row {
                let begins = cell.chars().next().unwrap_or('x');
                assert!(
                    !"=+-@\t\r\n ＝＋－＠".contains(begins) && !begins.is_control(),
                    "{formula:?}: {cell:?}"
                );
            }
        }
    }
}
