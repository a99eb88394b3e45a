//! Questions to a real log.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::sync::Arc;
use std::time::Duration;

use audit_log::{AuditLog, LogConfig, Receipt};
use event::kinds::{session, user};
use event::{
    Actor, Ambient, Detail, Event, Filter, FilterContext, ManualClock, SessionId, Target, Timestamp,
};
use query::{Order, Page, Progress, Query, QueryError, Question, Scope};
use store::vault::{RandomFill, Vault};

struct Lodge {
    _folder: tempfile::TempDir,
    log: AuditLog,
    query: Query,
    ambient: Ambient,
    clock: Arc<ManualClock>,
}

impl Lodge {
    fn new() -> Lodge {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(1_773_500_000_000_000), 7);
        let source = ambient.clone();
        let random: RandomFill = Arc::new(move |bytes: &mut [u8]| source.fill(bytes));
        let vault = Vault::open(&folder.path().join("master.key"), &random).unwrap();
        let config = LogConfig::new(folder.path().join("log"), "lodge.example.com/log");
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
        Lodge { _folder: folder, query: Query::new(log.clone()), log, ambient, clock }
    }

    /// Makes an event one second after the last.
    fn event(&self, user: &str, detail: Detail) -> Event {
        self.clock.advance(Duration::from_secs(1));
        Event::new(&self.ambient, Actor::human(user), detail)
    }

    async fn append(&self, event: &Event) -> Receipt {
        self.log.append(event).await.unwrap()
    }

    async fn login(&self, user: &str) -> (Event, Receipt) {
        let detail = user::Login {
            user: user.to_owned(),
            method: "password+totp".to_owned(),
            login: None,
            expires: None,
            means: "certificates".to_owned(),
        };
        let event = self.event(user, Detail::UserLogin(detail));
        let receipt = self.append(&event).await;
        (event, receipt)
    }

    async fn session(&self, user: &str) -> SessionId {
        let id = self.ambient.session_id();
        let start = session::Start {
            protocol: "ssh".to_owned(),
            login: "root".to_owned(),
            recording: "required".to_owned(),
            record_input: false,
            granted_by: self.ambient.event_id(),
            granted_at: 0,
        };
        let target =
            Target { kind: "ssh".to_owned(), name: "db-1".to_owned(), labels: [].into(), address: None };
        let start = self.event(user, Detail::SessionStart(start)).in_session(id).at_target(Some(target));
        self.append(&start).await;
        let command = session::Command { channel: 0, command: "rm -rf /var/lib".to_owned(), terminal: None };
        self.append(&self.event(user, Detail::SessionCommand(command)).in_session(id)).await;
        id
    }
}

fn filter(text: &str) -> Filter {
    Filter::parse(text, &FilterContext::utc(Timestamp::EPOCH)).unwrap()
}

fn asking(text: &str) -> Question {
    Question { filter: filter(text), ..Question::new(Scope::everything()) }
}

#[tokio::test]
async fn a_search_gives_the_stored_bytes_at_their_positions() {
    let lodge = Lodge::new();
    let mut logged = Vec::new();
    for user in ["alice", "bob", "alice"] {
        logged.push(lodge.login(user).await);
    }
    let answer = lodge.query.search(&asking("kind: user.login and actor.user: alice")).await.unwrap();
    assert_eq!(answer.rows.len(), 2);
    for (row, (event, receipt)) in answer.rows.iter().zip([&logged[2], &logged[0]]) {
        assert_eq!((row.position, row.log_time), (receipt.position(), receipt.time()));
        assert_eq!(row.time, event.time);
        assert_eq!(row.event.get().as_bytes(), event.encode().as_bytes());
    }
    let coverage = answer.coverage;
    assert_eq!((coverage.from, coverage.to, coverage.size), (0, lodge.log.size(), lodge.log.size()));
    assert!(coverage.complete && answer.next.is_none() && coverage.unreadable == 0);
    assert_eq!(lodge.query.count(&asking("kind: user.login")).await.unwrap().events, 3);
}

#[tokio::test]
async fn pages_and_times_cut_the_log_where_they_say() {
    let lodge = Lodge::new();
    let mut receipts = Vec::new();
    for _ in 0..7 {
        receipts.push(lodge.login("alice").await.1);
    }
    let mut question = asking("kind: user.login");
    (question.since, question.until) = (Some(receipts[1].time()), Some(receipts[6].time()));
    (question.limit, question.order) = (2, Order::OldestFirst);
    let mut found = Vec::new();
    loop {
        let answer = lodge.query.search(&question).await.unwrap();
        found.extend(answer.rows.iter().map(|row| row.position));
        match answer.next {
            Some(next) => question.page = Page::After(next),
            None => break,
        }
    }
    assert_eq!(found, receipts[1..6].iter().map(Receipt::position).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_is_found_by_its_id_within_the_scope() {
    let lodge = Lodge::new();
    let (event, receipt) = lodge.login("alice").await;
    lodge.login("bob").await;
    let row = lodge.query.find(event.id, &Scope::everything()).await.unwrap().unwrap();
    assert_eq!(row.position, receipt.position());
    let bobs = Scope::only(filter("actor.user: bob"));
    assert!(lodge.query.find(event.id, &bobs).await.unwrap().is_none());
    assert!(lodge.query.find(lodge.ambient.event_id(), &Scope::everything()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_is_listed_and_told_in_order() {
    let lodge = Lodge::new();
    let first = lodge.session("alice").await;
    let second = lodge.session("bob").await;
    let end = session::End {
        duration_ms: 1000,
        bytes_in: 1,
        bytes_out: 2,
        recording_root: Some("abc".to_owned()),
        ended_by: "client".to_owned(),
    };
    lodge.append(&lodge.event("alice", Detail::SessionEnd(end)).in_session(first)).await;
    let page = lodge.query.sessions(&Question::new(Scope::everything())).await.unwrap();
    let listed: Vec<_> =
        page.sessions.iter().map(|one| (one.id, one.user.as_str(), one.end.is_some())).collect();
    assert_eq!(listed, [(second, "bob", false), (first, "alice", true)]);
    assert_eq!(page.sessions[1].recording_root.as_deref(), Some("abc"));
    let question = Question::about_session(first, Scope::everything());
    let told = lodge.query.search(&question).await.unwrap();
    let kinds: Vec<_> =
        told.rows.iter().map(|row| row.view().unwrap().text("kind").unwrap().to_owned()).collect();
    assert_eq!(kinds, ["session.start", "session.command", "session.end"]);
}

#[tokio::test]
async fn how_far_a_search_is_is_told_only_to_who_may_see_everything() {
    let lodge = Lodge::new();
    for _ in 0..3 {
        lodge.login("alice").await;
    }
    for (scope, told) in [(Scope::everything(), true), (Scope::only(filter("actor.user: alice")), false)] {
        let (sender, receiver) = tokio::sync::watch::channel(Progress::default());
        lodge.query.reporting(sender).count(&Question::new(scope)).await.unwrap();
        let progress = *receiver.borrow();
        assert_eq!((progress.done == progress.total, progress.total > 0), (true, told));
    }
}

#[tokio::test]
async fn a_tail_gives_what_comes_and_ends_with_the_log() {
    let lodge = Lodge::new();
    lodge.login("alice").await;
    let mut tail = lodge.query.tail(filter("kind: user.login"), Scope::only(filter("actor.user: bob")), 0);
    lodge.login("mallory").await;
    let (_, receipt) = lodge.login("bob").await;
    let rows = tail.next().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), [receipt.position()]);
    assert!(tail.position() > receipt.position());
    let log = lodge.log.clone();
    tokio::task::spawn_blocking(move || log.shutdown()).await.unwrap();
    assert!(matches!(tail.next().await, Err(QueryError::Closed)));
}
