//! The JSON Schema of a catalogue file, from the same types that read it.

use crate::model::File;
use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

/// The schema as it is checked in: `schema/catalogue.schema.json`.
pub fn schema_text() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<File>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("taskmaster catalogue"));
        // Keys for anchors that are used elsewhere in the file.
        root.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    }
    close(&mut schema);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Editors know `additionalProperties` better than the newer `unevaluatedProperties`; after merging
/// flattened records both say the same.
fn close(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if let Some(value) = map.remove("unevaluatedProperties") {
                map.insert("additionalProperties".to_owned(), value);
            }
            map.values_mut().for_each(close);
        }
        Json::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
