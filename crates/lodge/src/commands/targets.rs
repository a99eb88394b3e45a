//! `lodge targets`

use anyhow::Result;
use api::wire::ReachableTarget;
use clap::Args;

use super::Context;
use crate::terminal::print_rows;

/// Lists the targets that you may reach, and under which logins.
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_: &Arguments, context: &Context) -> Result<()> {
    let targets: Vec<ReachableTarget> = context.client()?.get("/v1/targets/reachable", &[])?;
    print_rows(context.output, &targets, &["TARGET", "LOGINS", "LABELS"], |target| {
        let labels: Vec<String> =
            target.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![target.name.clone(), target.logins.join(" "), labels.join(" ")]
    })
}
