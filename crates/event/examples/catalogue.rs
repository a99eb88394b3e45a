//! Prints the event catalogue: `markdown` for people, `schema` for programs.

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("schema") => println!("{:#}", event::catalogue::json_schema()),
        _ => print!("{}", event::catalogue::catalogue_markdown()),
    }
}
