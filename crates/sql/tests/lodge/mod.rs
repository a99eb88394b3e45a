//! A real log, some of it sealed, some growing, some only in the log, and an engine over it.
//!
//! A test program that uses it has a test `the_process_of_a_statement`: the engine starts the program for each statement with
//! [`WORKER`] set, and that test is all that then runs.
#![allow(dead_code, reason = "each test program uses what it needs")]

use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, ArchiveConfig, Storage};
use audit_log::{AuditLog, LogConfig};
use event::kinds::{session, user};
use event::{Actor, Ambient, Detail, Event, FilterContext, ManualClock, Origin, Timestamp};
use query::{Query, Scope};
use serde_json::Value;
use sql::{DEFAULT_MEMORY, Engine, Format, Launch, SqlError, Statement};
use store::vault::{RandomFill, Vault};

pub const EVENTS: usize = 2000;
pub const SEALED: u64 = 1500;

pub struct Lodge {
    _folder: tempfile::TempDir,
    _archive: Arc<Archive>,
    pub log: AuditLog,
    pub engine: Engine,
    pub context: FilterContext,
}

/// What each event is made of.
pub fn made(number: usize) -> (String, Detail) {
    let user = format!("user-{}", number % 7);
    let detail = match number % 3 {
        0 => Detail::UserLogin(user::Login {
            user: user.clone(),
            method: if number.is_multiple_of(2) { "password+totp" } else { "password" }.to_owned(),
            login: None,
            expires: None,
            means: "certificates".to_owned(),
        }),
        _ => Detail::SessionCommand(session::Command {
            channel: number as u32,
            command: format!("rm -rf /var/lib/{number}"),
            terminal: None,
        }),
    };
    (user, detail)
}

impl Lodge {
    pub async fn new() -> Lodge {
        let folder = tempfile::tempdir().unwrap();
        let (ambient, clock) = Ambient::fixed(Timestamp::from_micros(1_773_500_000_000_000), 7);
        let source = ambient.clone();
        let random: RandomFill = Arc::new(move |bytes: &mut [u8]| source.fill(bytes));
        let vault = Vault::open(&folder.path().join("master.key"), &random).unwrap();
        let origin = "lodge.example.com/log";
        let storage = Storage::folder(&folder.path().join("archive")).unwrap();
        let settings = ArchiveConfig { segment_rows: 600, ..ArchiveConfig::new(origin) };
        let archive = Archive::open(storage, settings, ambient.clone()).unwrap();
        let config = LogConfig {
            sealed: Some(archive.catalog()),
            ..LogConfig::new(folder.path().join("log"), origin)
        };
        let log = AuditLog::open(config, &vault, ambient.clone()).unwrap();
        for number in 0..EVENTS {
            log.append(&event(&ambient, &clock, number)).await.unwrap();
        }
        archive.seal_up_to(&log, SEALED).unwrap();
        let query = Query::over(log.clone(), archive.catalog());
        let engine = Engine::new(query, launch(), DEFAULT_MEMORY);
        let context = FilterContext::utc(ambient.now());
        Lodge { _folder: folder, _archive: archive, log, engine, context }
    }

    pub fn statement(&self, text: &str, scope: Scope) -> Statement {
        let (budget, format) = (Duration::from_secs(60), Format::Json);
        Statement { text: text.to_owned(), scope, context: self.context.clone(), budget, format }
    }

    pub async fn ask(&self, text: &str) -> Vec<Vec<Value>> {
        self.ask_as(text, Scope::everything()).await.unwrap()
    }

    pub async fn ask_as(&self, text: &str, scope: Scope) -> Result<Vec<Vec<Value>>, SqlError> {
        let bytes = self.written(text, scope, Format::Json).await?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        Ok(serde_json::from_value(answer["rows"].clone()).unwrap())
    }

    pub async fn written(&self, text: &str, scope: Scope, format: Format) -> Result<Vec<u8>, SqlError> {
        self.taken(Statement { format, ..self.statement(text, scope) }).await
    }

    pub async fn taken(&self, statement: Statement) -> Result<Vec<u8>, SqlError> {
        let mut rows = self.engine.run(statement).await?;
        let counted = rows.gather(64 << 20).await?;
        let (mut out, mut shown) = (Vec::new(), 0);
        while let Some(piece) = rows.next().await? {
            out.extend(piece.bytes);
            shown += piece.rows;
        }
        assert_eq!(counted, Some(shown));
        Ok(out)
    }

    pub async fn refusal(&self, text: &str, scope: Scope) -> String {
        self.ask_as(text, scope).await.unwrap_err().to_string()
    }
}

/// Says that this program is the process of a statement.
pub const WORKER: &str = "LODGE_TEST_SQL_WORKER";

fn launch() -> Launch {
    Launch {
        program: std::env::current_exe().unwrap(),
        arguments: ["the_process_of_a_statement", "--exact", "--nocapture"].map(str::to_owned).to_vec(),
        environment: vec![(WORKER.to_owned(), "1".to_owned())],
    }
}

fn event(ambient: &Ambient, clock: &ManualClock, number: usize) -> Event {
    clock.advance(Duration::from_secs(60));
    let (user, detail) = made(number);
    let origin = Origin { ip: format!("192.0.2.{}", number % 11).parse().unwrap(), port: None, agent: None };
    Event::new(ambient, Actor::human(&user), detail).from_origin(Some(origin))
}
