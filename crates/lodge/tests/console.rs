//! Browsers' sessions over HTTPS, as a browser and as another site's page would ask.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bed;

use std::process::Command;

use serde_json::{Value, json};

use bed::{Bed, Person, Run, own_account, wait_for};

/// What was answered: status, headers, body.
struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Asks as a browser does: no client certificate, only these headers.
fn ask(
    bed: &Bed,
    admin: &Person,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Answer {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-i", "--http1.1", "--max-time", "20", "-X", method]);
    curl.arg("--cacert").arg(admin.home.join("ca.pem"));
    for header in headers {
        curl.args(["-H", header]);
    }
    if let Some(body) = body {
        curl.args(["-H", "Content-Type: application/json", "--data-binary", &body.to_string()]);
    }
    let text = Run::of(curl.arg(format!("https://{}{path}", bed.facts.api))).ok();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers: head.to_owned(), body: body.to_owned() }
}

fn recovery_code(person: &Person) -> String {
    let codes = person.welcome.split("not shown again:").nth(1).unwrap();
    codes.lines().map(str::trim).find(|line| !line.is_empty()).unwrap().to_owned()
}

fn denials(admin: &Person) -> Vec<String> {
    let found =
        admin.run(&["audit", "search", "kind: cert.deny and detail.usage: console", "--output", "ndjson"]);
    found.ok().lines().map(str::to_owned).collect()
}

#[test]
fn a_browser_signs_in_changes_only_from_our_own_page_and_out() {
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    let own = format!("Origin: https://{}", bed.facts.api);
    let credentials = json!({ "name": "admin", "password": admin.password(), "code": recovery_code(&admin) });

    // Another site's page cannot sign anybody in, and neither can a page that says nothing of itself.
    for origin in [&["Origin: https://evil.example"][..], &[]] {
        let refused = ask(&bed, &admin, "POST", "/v1/console/login", origin, Some(&credentials));
        assert_eq!((refused.status, refused.code().as_str()), (403, "origin"));
    }
    let wrong = json!({ "name": "admin", "password": "wrong", "code": "123456" });
    assert_eq!(ask(&bed, &admin, "POST", "/v1/console/login", &[&own], Some(&wrong)).status, 401);
    let signed_in = ask(&bed, &admin, "POST", "/v1/console/login", &[&own], Some(&credentials));
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let line = signed_in.headers.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    for part in ["__Host-lodge=", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(line.contains(part), "{line}");
    }
    let cookie = format!("Cookie: {}", line.split(';').next().unwrap());

    let session = ask(&bed, &admin, "GET", "/v1/console/session", &[&cookie], None).json();
    assert_eq!(
        (&session["user"], &session["csrf_token"]),
        (&json!("admin"), &signed_in.json()["csrf_token"])
    );
    let token = format!("X-Lodge-CSRF: {}", session["csrf_token"].as_str().unwrap());
    assert_eq!(ask(&bed, &admin, "GET", "/v1/events?limit=1", &[&cookie], None).status, 200);

    let user = json!({ "name": "walker", "roles": ["access"] });
    let make = |headers: &[&str]| ask(&bed, &admin, "POST", "/v1/users", headers, Some(&user));
    let before = denials(&admin).len();
    let refusals: [(&[&str], &str); 4] = [
        (&[&cookie, &own], "csrf"),
        (&[&cookie, &own, "X-Lodge-CSRF: 00"], "csrf"),
        (&[&cookie, &token], "origin"),
        (&[&cookie, &token, "Origin: https://evil.example"], "origin"),
    ];
    for (headers, code) in refusals {
        let refused = make(headers);
        assert_eq!((refused.status, refused.code().as_str()), (403, code), "{headers:?}");
    }
    assert_eq!(denials(&admin).len(), before + 4, "each refusal is in the log");
    assert_eq!(make(&[&cookie, &token, &own]).status, 201);

    let forged = format!("{}A", &cookie[..cookie.len() - 1]);
    if forged != cookie {
        assert_eq!(ask(&bed, &admin, "GET", "/v1/events?limit=1", &[&forged], None).status, 401);
    }
    assert_eq!(ask(&bed, &admin, "GET", "/v1/events?limit=1", &["Cookie: __Host-lodge=x"], None).status, 401);

    let out = ask(&bed, &admin, "POST", "/v1/console/logout", &[&cookie, &token, &own], None);
    assert!(out.status == 204 && out.headers.contains("Max-Age=0"), "{}", out.headers);
    assert_eq!(ask(&bed, &admin, "GET", "/v1/console/session", &[&cookie], None).status, 401);
    let logins = "kind: user.login and detail.means: console and outcome: success";
    wait_for(|| (admin.run(&["audit", "count", logins]).ok().trim() == "1").then_some(()));
}

/// Signs a person in, who then has a recovery code less; returns the headers of a change by their browser: cookie, token, page.
fn signed_in(bed: &Bed, person: &Person, name: &str) -> [String; 3] {
    let own = format!("Origin: https://{}", bed.facts.api);
    let credentials = json!({ "name": name, "password": person.password(), "code": recovery_code(person) });
    let answer = ask(bed, person, "POST", "/v1/console/login", &[&own], Some(&credentials));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = answer.headers.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let token = answer.json()["csrf_token"].as_str().unwrap().to_owned();
    [format!("Cookie: {}", line.split(';').next().unwrap()), format!("X-Lodge-CSRF: {token}"), own]
}

#[test]
fn a_terminal_is_opened_by_our_own_page_with_its_session_alone() {
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    let [cookie, token, own] = signed_in(&bed, &admin, "admin");
    let token = token.strip_prefix("X-Lodge-CSRF: ").unwrap();
    let offers = |token: &str| format!("Sec-WebSocket-Protocol: lodge-terminal-v1, lodge-csrf.{token}");
    let open = |headers: &[&str]| {
        let upgrade = [
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        let path = "/v1/console/terminal?target=web-1&login=root";
        ask(&bed, &admin, "GET", path, &[&upgrade, headers].concat(), None)
    };
    let before = denials(&admin).len();
    let (good, bad) = (offers(token), offers("00"));
    let refusals: [(&[&str], u16, &str); 6] = [
        (&[&cookie, &good], 403, "origin"),
        (&[&cookie, &good, "Origin: https://evil.example"], 403, "origin"),
        (&[&good, &own], 401, "no_session"),
        (&[&cookie, &own], 403, "csrf"),
        (&[&cookie, &own, &bad], 403, "csrf"),
        (&[&cookie, &own, &format!("X-Lodge-CSRF: {token}")], 403, "csrf"),
    ];
    for (headers, status, code) in refusals {
        let refused = open(headers);
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{headers:?}");
    }
    assert_eq!(denials(&admin).len(), before + refusals.len(), "each refusal is in the log");
    let ended = open(&["Cookie: __Host-lodge=x", &own, &good]);
    assert_eq!(ended.status, 403, "a token is of one cookie");
}

#[test]
fn files_of_a_target_go_through_the_gate() {
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    let _sshd = bed.target(&admin, "web-1");
    let account = own_account();
    let alice = bed.developer(&admin, "alice", &account);
    let [cookie, token, own] = signed_in(&bed, &alice, "alice");
    let folder = bed.path("files of alice");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_string_lossy().replace(' ', "%20");
    let at = |what: &str, path: &str| format!("/v1/console/{what}?target=web-1&login={account}&path={path}");
    let text = json!("what is uploaded");
    let put = |path: &str, headers: &[&str]| ask(&bed, &alice, "PUT", path, headers, Some(&text));
    let get = |path: &str| ask(&bed, &alice, "GET", path, &[&cookie], None);

    let file = at("file", &format!("{folder}/notes.txt"));
    let refused = put(&file, &[&cookie, &own]);
    assert_eq!((refused.status, refused.code().as_str()), (403, "csrf"));
    assert_eq!(put(&file, &[&cookie, &token, &own]).status, 204);
    let refused = put(&file, &[&cookie, &token, &own]);
    assert_eq!((refused.status, refused.code().as_str()), (409, "exists"));
    assert_eq!(put(&format!("{file}&overwrite=true"), &[&cookie, &token, &own]).status, 204);

    let listed = get(&at("files", &folder));
    let entry = &listed.json()["entries"][0];
    let length = json!(text.to_string().len());
    assert_eq!(
        (&entry["name"], &entry["kind"], &entry["bytes"]),
        (&json!("notes.txt"), &json!("file"), &length)
    );
    assert!(listed.json()["is_whole"] == true && entry["modified"].is_string(), "{}", listed.body);
    assert!(get(&at("files", "")).json()["path"].as_str().unwrap().starts_with('/'), "the home folder");
    let got = get(&file);
    assert_eq!(got.body, text.to_string());
    assert!(got.headers.contains("filename*=UTF-8''notes.txt"), "{}", got.headers);

    for (path, status, code) in [
        (at("file", "/no/such/file"), 404, "no_such_file"),
        (at("files", "/no/such/folder"), 404, "no_such_file"),
        (at("file", &folder), 502, "target"),
        (at("file", "%00"), 400, "path"),
        (at("files", "").replace("web-1", "nowhere"), 403, "refused"),
        (at("files", "").replace(&account, "somebody"), 403, "refused"),
    ] {
        let refused = get(&path);
        assert_eq!((refused.status, refused.code().as_str()), (status, code), "{path}: {}", refused.body);
    }
    let before = denials(&admin).len();
    let elsewhere = ask(&bed, &alice, "GET", &file, &[&cookie, "Sec-Fetch-Site: same-site"], None);
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (403, "origin"));
    assert_eq!(ask(&bed, &alice, "GET", &file, &[], None).code(), "no_session");
    assert_eq!(denials(&admin).len(), before + 2, "each refusal is in the log");

    let count = |filter: &str| admin.run(&["audit", "count", filter]).ok().trim().to_owned();
    wait_for(|| (count("kind: file.upload and actor.user: alice and outcome: success") == "2").then_some(()));
    wait_for(|| (count("kind: file.download and detail.path: *notes.txt") == "1").then_some(()));
    wait_for(|| (count("kind: session.start") == count("kind: session.end")).then_some(()));

    let role = format!(
        "kind: role\nname: no-files\nallow:\n  - logins: [{account}]\n    labels: {{ env: test }}\noptions:\n  file_transfer: false\n"
    );
    bed.apply(&admin, &role).ok();
    admin.run(&["users", "set", "alice", "--roles", "access,no-files"]).ok();
    let refused = get(&file);
    assert_eq!((refused.status, refused.code().as_str()), (403, "refused"), "{}", refused.body);
}

#[test]
fn pages_are_served_with_a_strict_policy() {
    let bed = Bed::start(env!("CARGO_BIN_EXE_lodge").as_ref());
    let admin = bed.admin();
    for path in ["/", "/events?q=kind%3A%20x", "/invite/x", "/nowhere"] {
        let page = ask(&bed, &admin, "GET", path, &[], None);
        assert!(page.status == 200 && page.body.starts_with("<!doctype html>"), "{path}: {}", page.body);
        let policy = page.headers.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
        assert!(
            policy.is_some_and(|policy| policy.contains("default-src 'none'; script-src 'self';")),
            "{path}"
        );
    }
    assert_eq!(ask(&bed, &admin, "GET", "/v1/no/where/at/all", &[], None).status, 404);
    assert_eq!(ask(&bed, &admin, "POST", "/", &[], None).status, 404);
}
