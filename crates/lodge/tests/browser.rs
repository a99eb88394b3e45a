//! The console in a real Chromium, on a real Lodge. `cargo xtask test` builds the console and says where Chromium is.

mod bed;

use std::path::Path;
use std::process::Command;

use bed::{Bed, Run, invite_of};

/// Runs a journey of `web/e2e`; says that it was passed over where there is no browser.
fn journey(name: &str, roles: &str) {
    let Some(chromium) = std::env::var_os("LODGE_CHROMIUM") else {
        eprintln!("passed over: LODGE_CHROMIUM is not set");
        return;
    };
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    let made = admin.run(&["users", "add", "ada", "--roles", roles, "--output", "json"]).ok();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/e2e").join(name);
    let mut node = Command::new("node");
    node.arg(script).env("LODGE_CHROMIUM", chromium).env("LODGE_USER", "ada");
    node.env("LODGE_URL", format!("https://{}", bed.facts.api)).env("LODGE_INVITE", invite_of(&made));
    let run = Run::of(&mut node);
    assert!(run.code == 0, "{}\n{}", run.out, run.err);
}

#[test]
fn an_invited_auditor_searches_and_proves() {
    journey("investigate.mjs", "auditor");
}
