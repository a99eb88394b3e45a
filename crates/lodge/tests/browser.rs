//! The console in a real Chromium, on a real Lodge. `cargo xtask test` builds the console and says where Chromium is.

mod bed;

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use bed::{Bed, Person, Run, invite_of, own_account};

/// Where a journey takes place.
struct Place {
    bed: Bed,
    admin: Person,
    chromium: OsString,
}

impl Place {
    /// Starts a Lodge; says that the journey is passed over where there is no browser.
    fn start() -> Option<Place> {
        let Some(chromium) = std::env::var_os("LODGE_CHROMIUM") else {
            eprintln!("passed over: LODGE_CHROMIUM is not set");
            return None;
        };
        let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
        let admin = bed.admin();
        Some(Place { bed, admin, chromium })
    }

    /// Makes a user; returns their invite.
    fn invite(&self, name: &str, roles: &str) -> String {
        invite_of(&self.admin.run(&["users", "add", name, "--roles", roles, "--output", "json"]).ok())
    }

    /// Runs a journey of `web/e2e` for ada, who has these roles.
    fn journey(&self, name: &str, roles: &str, more: &[(&str, &str)]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/e2e").join(name);
        let mut node = Command::new("node");
        node.arg(script).env("LODGE_CHROMIUM", &self.chromium).env("LODGE_USER", "ada");
        node.env("LODGE_URL", format!("https://{}", self.bed.facts.api));
        node.env("LODGE_INVITE", self.invite("ada", roles)).envs(more.iter().copied());
        let run = Run::of(&mut node);
        assert!(run.code == 0, "{}\n{}", run.out, run.err);
    }
}

#[test]
fn an_invited_auditor_searches_and_proves() {
    let Some(place) = Place::start() else { return };
    place.journey("investigate.mjs", "auditor", &[]);
}

#[test]
fn a_terminal_is_used_and_its_recording_watched() {
    let Some(place) = Place::start() else { return };
    let _sshd = place.bed.target(&place.admin, "web-1");
    let account = own_account();
    let role =
        format!("kind: role\nname: web\nallow:\n  - logins: [{account}]\n    labels: {{ env: test }}\n");
    place.bed.apply(&place.admin, &role).ok();
    // The account's own home folder is used, under a name that nobody else has there.
    let file = format!("lodge-journey-{}", std::process::id());
    place.journey("terminal.mjs", "web,auditor", &[("LODGE_LOGIN", &account), ("LODGE_FOLDER", &file)]);
}
