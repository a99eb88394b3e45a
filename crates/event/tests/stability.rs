//! The written form of every kind. A difference here means that events already in logs read differently: fields may
//! be added, never renamed, removed or reordered without need.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::net::SocketAddr;

use bytes::Bytes;
use event::kinds::{KINDS, session};
use event::{
    Actor, Ambient, Decision, Detail, EncodedEvent, EncodedEventError, Event, Mfa, Origin, Policy, Record,
    RecordView, Target, Timestamp,
};
use expect_test::expect_file;
use proptest::prelude::*;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// Makes a value that a schema allows, so that new kinds and fields are covered the day they are added.
fn sample(schema: &Value, definitions: &Value) -> Value {
    let reference = schema["$ref"].as_str().or_else(|| schema["anyOf"][0]["$ref"].as_str());
    if let Some(target) = reference.and_then(|path| definitions.pointer(path.trim_start_matches('#'))) {
        return sample(target, definitions);
    }
    let type_name = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match (type_name, schema["format"].as_str()) {
        (Some("string"), Some("date-time")) => json!("2026-03-14T15:09:26.535897Z"),
        (Some("string"), Some("uuid")) => json!("019d3a3c-5d6c-7a1b-8c2d-0123456789ab"),
        (Some("string"), _) => json!("text"),
        (Some("integer"), _) => json!(1),
        (Some("boolean"), _) => json!(true),
        (Some("array"), _) => json!([sample(&schema["items"], definitions)]),
        (Some("object"), _) if schema["properties"].is_object() => {
            let properties = schema["properties"].as_object().unwrap();
            properties.iter().map(|(key, property)| (key.clone(), sample(property, definitions))).collect()
        }
        (Some("object"), _) => json!({ "key": sample(&schema["additionalProperties"], definitions) }),
        _ => json!({ "any": "JSON" }),
    }
}

fn details() -> Vec<Detail> {
    let read = |kind: &event::kinds::KindEntry| {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let schema = (kind.schema)(&mut generator).to_value();
        let definitions = json!({ "$defs": generator.take_definitions(true) });
        let detail: Detail =
            serde_json::from_value(json!({ "kind": kind.name, "detail": sample(&schema, &definitions) }))
                .unwrap();
        assert_eq!(detail.kind(), kind.name);
        detail
    };
    KINDS.iter().map(read).collect()
}

fn event(detail: Detail) -> Event {
    let (ambient, _) = Ambient::fixed(Timestamp::from_micros(1_773_500_966_535_897), 7);
    let address: SocketAddr = "[::ffff:10.1.2.3]:50022".parse().unwrap();
    let mut actor = Actor::human("alice");
    actor.roles = vec!["dba".to_owned()];
    actor.mfa = Some(Mfa::Totp);
    let policy = Policy {
        decision: Decision::Deny,
        roles: vec!["dba".to_owned()],
        why: "no rule allows it".to_owned(),
    };
    let target = Target {
        kind: "ssh".to_owned(),
        name: "db-1".to_owned(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        address: Some("10.1.2.9:22".to_owned()),
    };
    Event::new(&ambient, actor, detail)
        .denied("no role allows it")
        .from_origin(Some(Origin::of(address)))
        .at_target(Some(target))
        .in_session(ambient.session_id())
        .under(policy)
}

#[test]
fn every_kind_keeps_its_written_form() {
    let lines: Vec<String> = details().iter().map(|detail| serde_json::to_string(detail).unwrap()).collect();
    expect_file!["snapshots/kinds.ndjson"].assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn the_envelope_keeps_its_written_form() {
    let full = event(Detail::SessionShell(session::Shell { channel: 0, terminal: None })).encode();
    let (ambient, _) = Ambient::fixed(Timestamp::EPOCH, 1);
    let least = Event::new(&ambient, Actor::system("log"), details().swap_remove(0)).encode();
    let text = |event: EncodedEvent| String::from_utf8(event.into_bytes().to_vec()).unwrap();
    expect_file!["snapshots/envelope.ndjson"].assert_eq(&format!("{}\n{}\n", text(full), text(least)));
}

#[test]
fn every_kind_survives_a_round_trip() {
    for detail in details() {
        let event = event(detail);
        let bytes = event.encode();
        assert_eq!(serde_json::from_slice::<Event>(bytes.as_bytes()).unwrap(), event);
        let record = Record::parse(bytes.as_bytes()).unwrap();
        assert_eq!(record.kind(), event.kind());
        assert_eq!(serde_json::to_value(&record).unwrap(), serde_json::to_value(&event).unwrap());
        assert_eq!(EncodedEvent::from_json(bytes.as_bytes().to_vec()).unwrap(), bytes);
        assert_eq!(RecordView::parse(bytes.as_bytes()).unwrap().text("kind"), Some(event.kind()));
    }
}

#[test]
fn a_kind_of_a_later_release_is_read_as_a_record() {
    let json =
        br#" {"id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab","time":"2026-03-14T15:09:26Z","kind":"kube.audit",
        "outcome":"success","actor":{"user":"x","type":"machine"},"detail":{"verb":"get"},"later":[1]} "#;
    let encoded = EncodedEvent::from_json(json.to_vec()).unwrap();
    assert_eq!(encoded.as_bytes(), json.trim_ascii(), "only the white space around it goes");
    let record = Record::parse(encoded.as_bytes()).unwrap();
    assert_eq!((record.kind(), &record.body.detail["verb"]), ("kube.audit", &json!("get")));
}

#[test]
fn what_a_later_reader_could_not_read_is_refused() {
    let with = |extra: &str| {
        let json = format!(
            r#"{{"id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab","time":"2026-03-14T15:09:26Z","kind":"x","outcome":"success",
                "actor":{{"user":"x","type":"human"}}{extra}}}"#
        );
        EncodedEvent::from_json(json.into_bytes())
    };
    assert!(with("").is_ok());
    let deep = format!(r#","detail":{}{}"#, "[".repeat(100), "]".repeat(100));
    assert!(matches!(with(&deep), Err(EncodedEventError::Limit(_))));
    for bad in [
        r#","session":"alice""#,
        r#","origin":{"ip":"nowhere"}"#,
        r#","detail":"\ud800""#,
        r#","detail":1e999"#,
        r#","kind":"y""#,
        r#"}{"#,
    ] {
        assert!(matches!(with(bad), Err(EncodedEventError::Malformed(_))), "{bad}");
    }
    for bad in ["", "  ", "[]", "null"] {
        assert!(EncodedEvent::from_json(bad.as_bytes().to_vec()).is_err(), "{bad:?}");
    }
}

/// The envelope as serde derives it: the judge of the one-pass check.
#[derive(serde::Deserialize)]
#[expect(dead_code, reason = "the fields are only checked, never read")]
struct Judge {
    id: event::EventId,
    time: Timestamp,
    kind: String,
    outcome: event::Outcome,
    reason: Option<String>,
    actor: Actor,
    origin: Option<Origin>,
    target: Option<Target>,
    session: Option<event::SessionId>,
    source: Option<event::Source>,
    policy: Option<Policy>,
    detail: Option<Value>,
    raw: Option<String>,
}

/// Fragments of events, right and wrong, joined in any order.
fn members() -> impl Strategy<Value = String> {
    let member = prop::sample::select(vec![
        r#""id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab""#,
        r#""time":"2026-03-14T15:09:26Z""#,
        r#""kind":"x""#,
        r#""k\u0069nd":"x""#,
        r#""outcome":"denied""#,
        r#""outcome":"maybe""#,
        r#""actor":{"user":"x","type":"human"}"#,
        r#""actor":{"user":"x","type":"human","later":"\ud800"}"#,
        r#""actor":null"#,
        r#""actor":["x","human",[],null,null,[],"y"]"#,
        r#""actor":["x","human"]"#,
        r#""actor":{"user":"x","type":"human","roles":["a","b"],"mfa":"totp","requests":[],"on_behalf_of":"\u0061","identity_provider":null}"#,
        r#""actor":{"user":"x","type":"human","user":"y"}"#,
        r#""actor":{"user":"x","type":"human","roles":null}"#,
        r#""actor":{"user":"x","type":"human","roles":{"a":"b"}}"#,
        r#""actor":{"user":"x","type":"human","mfa":"sms"}"#,
        r#""actor":{"us\u0065r":"x","type":"system","later":{"a":[1,1e999]}}"#,
        r#""actor":{"type":"human"}"#,
        r#""origin":{"ip":"::1","port":70000}"#,
        r#""origin":null"#,
        r#""origin":{"ip":"10.0.0.1","port":null,"agent":"x","later":{}}"#,
        r#""origin":{"ip":"localhost"}"#,
        r#""origin":{"ip":["10.0.0.1"]}"#,
        r#""origin":["10.0.0.1",1,null]"#,
        r#""target":{"type":"a","name":"b","labels":{"c":"d"}}"#,
        r#""target":{"type":"a","name":"b","labels":{"c":1}}"#,
        r#""target":{"type":"a","name":"b","labels":{"c":"d","c":"e"},"address":null}"#,
        r#""target":{"type":"a","name":null}"#,
        r#""target":[]"#,
        r#""session":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab""#,
        r#""source":{"type":"a","name":"b","seq":-1}"#,
        r#""source":{"type":"a","name":"b","seq":1}"#,
        r#""source":["a","b",1]"#,
        r#""source":["a","b",1,2]"#,
        r#""policy":{"decision":"deny","why":"b"}"#,
        r#""policy":{"decision":"perhaps","why":"b"}"#,
        r#""policy":{"why":"b","roles":["\ud800"],"decision":"allow"}"#,
        r#""reason":null"#,
        r#""raw":"\ud800""#,
        r#""detail":{"a":[1,{"b":null}]}"#,
        r#""detail":1e999"#,
        r#""later":"x""#,
    ]);
    let whole = Just(
        [
            r#""id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab""#,
            r#""time":"2026-03-14T15:09:26Z""#,
            r#""kind":"x""#,
            r#""outcome":"success""#,
            r#""actor":{"user":"x","type":"human"}"#,
        ]
        .join(","),
    );
    let any = prop::collection::vec(member, 0..4);
    (prop::option::weighted(0.9, whole), any, any_brackets()).prop_map(|(whole, members, end)| {
        let parts: Vec<&str> = whole.iter().map(String::as_str).chain(members).collect();
        format!("{{{}{end}", parts.join(","))
    })
}

fn any_brackets() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["}", "}", "}", "}", "", "}}", ",}"])
}

/// An event with one member written in all ways.
fn with_member() -> impl Strategy<Value = String> {
    let others = [
        ("id", r#""id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab""#),
        ("time", r#""time":"2026-03-14T15:09:26Z""#),
        ("kind", r#""kind":"x""#),
        ("outcome", r#""outcome":"success""#),
        ("actor", r#""actor":{"user":"x","type":"human"}"#),
    ];
    members().prop_map(move |text| {
        let (Some(member), Some(end)) = (text.strip_prefix('{'), text.find("\":")) else { return text };
        let name = &text[1..=end].trim_matches('"');
        let rest: Vec<&str> =
            others.iter().filter(|(other, _)| other != name).map(|(_, member)| *member).collect();
        format!("{{{},{member}", rest.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_pass_judges_as_three_would(json in prop_oneof![members(), with_member()]) {
        let whole = serde_json::from_str::<Judge>(&json).is_ok() && serde_json::from_str::<Value>(&json).is_ok();
        prop_assert_eq!(EncodedEvent::from_json(json.clone().into_bytes()).is_ok(), whole, "{}", json);
        let line = Bytes::from(format!(" {json}\t"));
        let within = EncodedEvent::within(&line, std::str::from_utf8(&line).unwrap());
        prop_assert_eq!(within.is_ok(), whole, "{}", json);
        prop_assert!(within.is_err() || within.unwrap().as_bytes() == json.trim_ascii().as_bytes());
    }

    #[test]
    fn what_is_taken_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..64), text in any::<String>()) {
        let envelope = |detail: &[u8]| {
            let head = br#"{"id":"019d3a3c-5d6c-7a1b-8c2d-0123456789ab","time":"2026-03-14T15:09:26Z","kind":"x",
                "outcome":"success","actor":{"user":"x","type":"human"},"detail":"#;
            [&head[..], detail, b"}"].concat()
        };
        let quoted = serde_json::to_vec(&text).unwrap();
        for json in [bytes.clone(), envelope(&bytes), envelope(&quoted)] {
            if let Ok(encoded) = EncodedEvent::from_json(json) {
                prop_assert!(Record::parse(encoded.as_bytes()).is_ok());
                prop_assert!(RecordView::parse(encoded.as_bytes()).is_ok());
            }
        }
    }
}
