//! Prints the JSON Schema of a catalogue file: `cargo run -p taskmaster-catalogue --example schema
//! > schema/catalogue.schema.json`.

fn main() {
    print!("{}", taskmaster_catalogue::schema_text());
}
