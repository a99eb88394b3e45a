//! The main job, from login to offline proof, on real programs: `cargo xtask demo`.

#[path = "../tests/bed/mod.rs"]
mod bed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bed::{Bed, Person, Run, own_account};

fn main() {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let bed = Bed::start(&program());
    let account = own_account();

    say(
        "1. The first admin joins with the invite that `lodge serve` printed: password, authenticator, certificates",
    );
    let admin = bed.admin();
    show(&admin.run(&["status"]));

    say("2. A stock sshd becomes a target; the developer alice may reach it as one account");
    let sshd = bed.target(&admin, "web-1");
    let alice = bed.developer(&admin, "alice", &account);
    show(&admin.run(&["access", "explain", "alice", "web-1"]));
    show(&alice.run(&["targets"]));

    say("3. Alice types ssh as ever");
    let at = format!("{account}@web-1");
    show(&alice.ssh(&[&at, "uname -sr; id -un; echo 'the colormatic is ready'"]));
    let script = "echo hello from a terminal; exit 3\n";
    show(&terminal(&alice, &at, script));

    say("4. She copies files, with scp and sftp");
    let file = bed.path("report.txt");
    fs::write(&file, "quarterly figures\n".repeat(1000)).expect("a file can be written");
    let remote = bed.path("uploaded.txt");
    show(&Run::of(alice.openssh("scp").arg(&file).arg(format!("{at}:{}", remote.display()))));
    let batch = bed.path("batch");
    fs::write(
        &batch,
        format!(
            "get {} {}\nrename {} {}.old\n",
            remote.display(),
            bed.path("back.txt").display(),
            remote.display(),
            remote.display()
        ),
    )
    .expect("a file can be written");
    show(&Run::of(alice.openssh("sftp").arg("-b").arg(&batch).arg(&at)));

    say("5. What she may not do is refused, and recorded");
    show(&alice.ssh(&["someone-else@web-1", "id"]));
    show(&alice.run(&["audit", "search"]));

    say("6. The timeline, found by search");
    show(&admin.run(&[
        "audit",
        "search",
        "actor.user: alice and not kind: (cert.* or user.*)",
        "--order",
        "oldest",
    ]));
    show(&admin.run(&["audit", "search", "colormatic"]));

    say("7. The session, replayed as text");
    let session = session_of(&admin, "kind: session.shell");
    show(&admin.run(&["play", &session, "--format", "text"]));
    show(&admin.run(&["play", &session, "--verify"]));

    say("8. The proof of one event, checked offline with the log's public key alone");
    let denied = field(&admin, "kind: access.denied and actor.user: alice", "id");
    let proof = bed.path("proof.json");
    fs::write(&proof, admin.run(&["audit", "prove", &denied]).ok()).expect("a file can be written");
    let key = admin.run(&["ca", "export", "log-key"]).ok().trim().to_owned();
    println!("the log's public key: {key}\n{}\n", shorten(&fs::read_to_string(&proof).unwrap_or_default()));
    show(&admin.run(&["audit", "verify", "--proof", &text(&proof), "--key", &key]));

    say("9. The whole log, verified: first as it is, then a copy with one flipped byte");
    let bundle = bed.path("range.ndjson");
    admin.run(&["audit", "export", "--file", &text(&bundle)]).ok();
    show(&admin.run(&["audit", "verify", "--bundle", &text(&bundle), "--key", &key]));
    let copy = bed.path("copy-of-the-log");
    Run::of(Command::new("cp").arg("-r").arg(bed.data().join("log")).arg(&copy)).ok();
    let whole = admin.run(&["audit", "verify", "--folder", &text(&copy), "--key", &key, "--live"]);
    assert_eq!(whole.code, 0, "a genuine log must verify: {}", whole.err);
    show(&whole);
    println!("flipping one byte: {}", flip_one_byte(&copy.join("wal")));
    let damaged = admin.run(&["audit", "verify", "--folder", &text(&copy), "--key", &key, "--live"]);
    show(&damaged);
    assert_eq!(damaged.code, 4, "a flipped byte must be found");

    say("Done: everything above ran against real OpenSSH programs on this machine");
    if keep {
        let (api, home) = (bed.facts.api.clone(), admin.home.clone());
        let (server, sshd_id) = (bed.server_id(), sshd.id());
        std::mem::forget(sshd);
        let folder = bed.keep();
        let program = program();
        let folder = folder.display();
        println!(
            "Lodge goes on at https://{api}, with everything in {folder} and its messages in {folder}/server.log."
        );
        println!("Try in another shell, as the admin and, in the last line, as alice:\n");
        println!(
            "  export LODGE_HOME={} PATH={}:$PATH",
            home.display(),
            program.parent().unwrap_or(Path::new(".")).display()
        );
        println!(
            "  lodge status\n  lodge audit tail -f\n  lodge play {session} --format text\n  LODGE_HOME={} lodge ssh {at}\n",
            alice.home.display()
        );
        println!(
            "Stop it, and remove what it made, with: kill {server} {sshd_id} && sleep 1 && rm -r {folder}"
        );
    }
}

/// Runs a shell on a pseudo-terminal, typing a script into it.
fn terminal(person: &Person, at: &str, script: &str) -> Run {
    use std::io::Write;
    use std::process::Stdio;
    let mut ssh = person.openssh("ssh");
    ssh.args(["-tt", at]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = ssh.spawn().expect("ssh can be started");
    child.stdin.take().expect("standard input is piped").write_all(script.as_bytes()).expect("ssh reads");
    let output = child.wait_with_output().expect("a child can be waited for");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

fn session_of(admin: &Person, filter: &str) -> String {
    field(admin, filter, "session")
}

/// A field of the newest event that a filter finds.
fn field(admin: &Person, filter: &str, name: &str) -> String {
    let rows = admin.run(&["audit", "search", filter, "--limit", "1", "-o", "ndjson"]).ok();
    let row: serde_json::Value = serde_json::from_str(&rows).expect("a row is JSON");
    row["event"][name].as_str().expect("the event has the field").to_owned()
}

/// Flips a byte in the middle of the first payload that is found, and says where.
fn flip_one_byte(folder: &Path) -> String {
    let mut segments: Vec<PathBuf> =
        fs::read_dir(folder).expect("the log has segments").flatten().map(|entry| entry.path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    segments.sort();
    let path = segments.first().expect("the log has a segment");
    let mut bytes = fs::read(path).expect("a segment can be read");
    let word = b"colormatic";
    let at =
        bytes.windows(word.len()).position(|window| window == word).expect("alice's command is in the log");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("a copy can be written");
    format!(
        "byte {at} of {}, inside the recorded command",
        path.file_name().unwrap_or_default().to_string_lossy()
    )
}

fn program() -> PathBuf {
    let own = std::env::current_exe().expect("a program has a path");
    own.ancestors().nth(2).expect("examples lie below the build folder").join("lodge")
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn shorten(text: &str) -> String {
    let kept: String = text.chars().take(700).collect();
    if kept.len() < text.len() { format!("{kept}…") } else { kept }
}

fn say(heading: &str) {
    println!("\n━━ {heading}\n");
}

fn show(run: &Run) {
    let mark = if run.code == 0 { String::new() } else { format!("(exit code {})\n", run.code) };
    println!("{}{}{mark}", run.out, run.err);
}
