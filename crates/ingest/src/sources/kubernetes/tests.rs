use bytes::Bytes;
use event::Record;

use super::*;

fn read(line: &str) -> Found {
    let place = Place {
        name: "prod",
        id: "file/kubernetes/prod/1",
        seq: 9,
        body: &Bytes::new(),
        now: Timestamp::EPOCH,
    };
    let mut found = Found::default();
    Kubernetes.read(line, &place, &mut Picks::default(), &mut found);
    found
}

#[track_caller]
fn record(line: &str) -> Record {
    let mut found = read(line);
    assert_eq!((found.events.len(), found.rejected.len()), (1, 0), "{line}: {:?}", found.rejected);
    let bytes = found.events.remove(0).into_bytes();
    assert!(bytes.ends_with(format!("\"detail\":{line}}}").as_bytes()), "the record stays as it came");
    Record::parse(&bytes).unwrap()
}

/// A record with everything, and what differs put in its place.
fn with(changes: &[(&str, &str)]) -> String {
    let whole = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/web-1/exec?command=sh","verb":"create","user":{"username":"alice@example.com","groups":["dev"]},"sourceIPs":["192.0.2.7","10.0.0.1"],"userAgent":"kubectl/v1.33","objectRef":{"resource":"pods","namespace":"shop","name":"web-1","apiVersion":"v1","subresource":"exec"},"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-03-14T15:09:26.535000Z","stageTimestamp":"2026-03-14T15:09:27.000001Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"dev/shop\""}}"#;
    changes.iter().fold(whole.to_owned(), |line, (from, to)| {
        assert!(line.contains(from), "{from}");
        line.replace(from, to)
    })
}

#[test]
fn a_record_fills_the_envelope() {
    let record = record(&with(&[]));
    assert_eq!((record.kind(), record.outcome), ("kube.audit", Outcome::Success));
    assert_eq!(record.time.to_string(), "2026-03-14T15:09:27.000001Z");
    assert_eq!(record.id.time().unwrap().as_micros(), record.time.as_micros() / 1000 * 1000);
    assert_eq!((record.actor.user.as_str(), record.actor.kind), ("alice@example.com", ActorType::Human));
    let origin = record.origin.unwrap();
    assert_eq!(
        (origin.ip.to_string().as_str(), origin.agent.as_deref()),
        ("192.0.2.7", Some("kubectl/v1.33"))
    );
    let target = record.target.unwrap();
    assert_eq!((target.kind.as_str(), target.name.as_str()), ("kubernetes", "shop/pods/web-1/exec"));
    let labels: Vec<_> = target.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(labels, ["namespace=shop", "resource=pods", "subresource=exec"]);
    let source = record.source.unwrap();
    assert_eq!((source.kind.as_str(), source.name.as_str(), source.seq), ("kubernetes", "prod", 9));
    let policy = record.policy.unwrap();
    assert_eq!(
        (policy.decision, policy.why.as_str()),
        (Decision::Allow, "RBAC: allowed by RoleBinding \"dev/shop\"")
    );
}

#[test]
fn how_it_ended_follows_code_and_decision() {
    let code = |code: &str| with(&[("\"code\":101", &format!("\"code\":{code}"))]);
    for (line, outcome, reason) in [
        (code("200"), Outcome::Success, None),
        (code("399"), Outcome::Success, None),
        (
            code("404,\"reason\":\"NotFound\""),
            Outcome::Failure,
            Some("RBAC: allowed by RoleBinding \"dev/shop\""),
        ),
        (code("500,\"message\":\"etcd is away\""), Outcome::Failure, Some("etcd is away")),
        (code("403,\"message\":\"pods is forbidden\""), Outcome::Denied, Some("pods is forbidden")),
        (
            with(&[("\"code\":101", "\"code\":401"), ("RBAC: allowed by RoleBinding \\\"dev/shop\\\"", "")]),
            Outcome::Denied,
            Some("the API server answered 401"),
        ),
        (
            with(&[
                ("\"allow\"", "\"forbid\""),
                ("RBAC: allowed by RoleBinding \\\"dev/shop\\\"", "no rule"),
            ]),
            Outcome::Denied,
            Some("no rule"),
        ),
        (with(&[("\"responseStatus\":{\"metadata\":{},\"code\":101},", "")]), Outcome::Success, None),
    ] {
        let record = record(&line);
        assert_eq!((record.outcome, record.reason.as_deref()), (outcome, reason), "{line}");
    }
}

#[test]
fn machines_systems_and_impersonation_are_told_apart() {
    let user = |user: &str| record(&with(&[("alice@example.com", user)])).actor.kind;
    assert_eq!(user("system:serviceaccount:shop:builder"), ActorType::Machine);
    assert_eq!(user("system:node:n1"), ActorType::System);
    assert_eq!(user("system:anonymous"), ActorType::Unknown);
    assert_eq!(user(""), ActorType::Unknown);
    let acting =
        record(&with(&[("\"sourceIPs\"", "\"impersonatedUser\":{\"username\":\"bob\"},\"sourceIPs\"")]));
    assert_eq!(
        (acting.actor.user.as_str(), acting.actor.on_behalf_of.as_deref()),
        ("alice@example.com", Some("bob"))
    );
}

#[test]
fn the_same_request_and_stage_have_the_same_id() {
    let id = |changes: &[(&str, &str)]| record(&with(changes)).id;
    assert_eq!(id(&[]), id(&[("kubectl/v1.33", "k9s")]));
    assert_ne!(id(&[]), id(&[("ResponseComplete", "RequestReceived")]));
    assert_ne!(id(&[]), id(&[("a-1", "a-2")]));
}

#[test]
fn a_request_for_no_object_is_aimed_at_its_path() {
    let line =
        r#"{"auditID":"x","verb":"get","requestURI":"/healthz?verbose","timestamp":"2017-09-11T19:55:05Z"}"#;
    let record = record(line);
    assert_eq!(record.target.unwrap().name, "/healthz");
    assert_eq!(record.time.to_string(), "2017-09-11T19:55:05.000000Z");
    assert!(record.origin.is_none() && record.policy.is_none());
}

#[test]
fn lists_and_arrays_are_taken_apart() {
    let one = with(&[]);
    let bare = r#"{"auditID":"x","verb":"get"}"#;
    for (line, events, rejected) in [
        (
            format!(
                r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{{}},"items":[{one},{bare}]}}"#
            ),
            2,
            0,
        ),
        (format!("[{one}, {bare},{{}}]"), 2, 1),
        (format!(r#"[{{"kind":"EventList","items":[{bare}]}},{one}]"#), 2, 0),
        (r#"{"kind":"EventList","items":[]}"#.to_owned(), 0, 1),
        ("[]".to_owned(), 0, 1),
    ] {
        let found = read(&line);
        assert_eq!(
            (found.events.len(), found.rejected.len()),
            (events, rejected),
            "{line}: {:?}",
            found.rejected
        );
    }
    let spaced = format!("[  {bare}  ]");
    assert!(read(&spaced).events[0].as_bytes().ends_with(format!("\"detail\":{bare}}}").as_bytes()));
}

#[test]
fn what_is_no_audit_record_is_rejected() {
    for line in [
        r#"{"kind": 0}"#,
        r#"{"kind":"Pod","apiVersion":"v1"}"#,
        r#"{"kind":"Event","apiVersion":"v1","auditID":"x","verb":"get"}"#,
        r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1"}"#,
        r#"{"auditID":"x","auditID":"y","verb":"get"}"#,
        r#"{"kind":"EventList","items":{}}"#,
        "7",
        "{",
        "",
    ] {
        let found = read(line);
        assert_eq!((found.events.len(), found.rejected.len()), (0, 1), "{line}");
    }
}

#[test]
fn a_text_of_megabytes_does_not_make_the_envelope_large() {
    let long = "x".repeat(3 << 20);
    let line = with(&[
        ("alice@example.com", &long),
        ("\"code\":101", &format!("\"code\":500,\"message\":\"{long}\"")),
    ]);
    let found = read(&line);
    assert!(found.events[0].as_bytes().len() < line.len() + 16_384);
}
