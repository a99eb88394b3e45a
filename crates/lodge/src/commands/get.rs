//! `lodge get`

use anyhow::Result;
use api::wire::Resource;
use clap::Args;

use super::Context;
use crate::client::segment;
use crate::terminal::{Output, print_line, print_rows};

/// Shows roles, targets or locks; a single one as YAML, ready to be edited and applied.
#[derive(Args)]
pub struct Arguments {
    /// `roles`, `targets` or `locks`.
    #[arg(value_parser = ["roles", "targets", "locks", "role", "target", "lock"])]
    kind: String,
    /// Name of one.
    name: Option<String>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, context: &Context) -> Result<()> {
    let client = context.client()?;
    let kind = plural(&arguments.kind);
    if let Some(name) = &arguments.name {
        let resource: Resource = client.get(&format!("/v1/{kind}/{}", segment(name)), &[])?;
        return match context.output {
            Output::Table => print_line(resource.yaml.trim_end()),
            _ => print_line(&serde_json::to_string_pretty(&resource.document)?),
        };
    }
    let resources: Vec<Resource> = client.get(&format!("/v1/{kind}"), &[])?;
    print_rows(context.output, &resources, &["NAME", "PRESET", "DOCUMENT"], |resource| {
        let preset = if resource.preset { "yes" } else { "" };
        vec![resource.name.clone(), preset.to_owned(), resource.document.to_string()]
    })
}

/// Returns the API's word for a kind.
pub fn plural(kind: &str) -> String {
    if kind.ends_with('s') { kind.to_owned() } else { format!("{kind}s") }
}
