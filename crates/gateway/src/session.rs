//! One session, from its durable start to its durable end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use access::{Action, ActionRefusal, Permit, RecordingMode};
use audit_log::{AppendError, Receipt};
use base16ct::lower::encode_string;
use event::kinds::{recording as recording_kinds, session as kinds};
use event::{Detail, Event, SessionId, Target};
use recording::{Frame, Header, Recorder, RecordingError};
use tokio::net::TcpStream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::core::{Admission, Gateway};
use crate::registry::Place;
use crate::tape::Tape;
use crate::{Cut, DialError, EndedBy, LiveSession, connect, rejection};

/// An open session. Clones are one session; when the last is dropped without [`Session::end`], its end is
/// written all the same.
#[derive(Clone)]
pub struct Session {
    owner: Arc<Owner>,
}

/// What a terminal of a session is told from outside. A terminal that has none open is one on which nobody can be told anything.
pub struct Notices(broadcast::Receiver<Arc<str>>);

impl Notices {
    /// Waits for the next notice, a sentence without its full stop.
    pub async fn next(&mut self) -> Arc<str> {
        loop {
            match self.0.recv().await {
                Ok(notice) => return notice,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Closes the session when its last clone goes.
struct Owner {
    core: Arc<Core>,
}

/// What a session is made of; outlives its owner while the end is written.
pub(crate) struct Core {
    gateway: Gateway,
    pub(crate) permit: Permit,
    live: Arc<LiveSession>,
    tape: Tape<Recorder>,
    failure: Mutex<Option<String>>,
    ended: AtomicBool,
    _place: Place,
}

/// Why a session could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The log refused the event; the session is being cut.
    #[error("the session cannot be recorded in the audit log: {0}")]
    Log(#[from] AppendError),
    /// The recording failed and the role requires one; the session is being cut.
    #[error("the session must be recorded, and cannot be: {0}")]
    Recording(#[source] RecordingError),
    /// The session was ordered to end.
    #[error("{0}")]
    Cut(String),
}

impl Session {
    /// Spends an admission: writes `session.start`, then opens the recording. Nothing is dialled before.
    pub async fn start(gateway: &Gateway, admission: Admission) -> Result<Session, SessionError> {
        let Admission { permit, protocol, place } = admission;
        let started = gateway.ambient().now();
        let live = Arc::new(LiveSession::new(protocol, &permit, started));
        let core = Arc::new(Core {
            gateway: gateway.clone(),
            permit,
            live: live.clone(),
            tape: Tape::none(),
            failure: Mutex::new(None),
            ended: AtomicBool::new(false),
            _place: place,
        });
        core.append(core.start_event()).await?;
        gateway.sessions().add(live.clone(), Arc::downgrade(&core));
        let session = Session { owner: Arc::new(Owner { core }) };
        if gateway.is_closing() {
            live.cut(Cut::shutdown());
        }
        if let Err(error) = session.core().start_recording().await {
            session.fail(error.to_string());
            session.end(EndedBy::Error).await;
            return Err(error);
        }
        Ok(session)
    }

    fn core(&self) -> &Arc<Core> {
        &self.owner.core
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.core().live.id
    }

    /// The permit that it was started with.
    pub fn permit(&self) -> &Permit {
        &self.core().permit
    }

    /// The gateway that it runs in.
    pub fn gateway(&self) -> &Gateway {
        &self.core().gateway
    }

    /// Opens a connection to the target.
    pub async fn dial(&self) -> Result<TcpStream, DialError> {
        connect::dial(self.core().permit.target()).await
    }

    /// Writes an event of this session; it is durable when this returns. A failure cuts the session.
    pub async fn event(&self, detail: Detail) -> Result<Receipt, SessionError> {
        let event = self.core().event(detail);
        self.append(event).await
    }

    /// As [`Session::event`], of something that was tried and did not work.
    pub async fn event_failed(
        &self,
        detail: Detail,
        why: impl Into<String>,
    ) -> Result<Receipt, SessionError> {
        let event = self.core().event(detail).failed(why);
        self.append(event).await
    }

    /// As [`Session::event`], of something that was refused.
    pub async fn event_denied(
        &self,
        detail: Detail,
        why: impl Into<String>,
    ) -> Result<Receipt, SessionError> {
        let event = self.core().event(detail).denied(why);
        self.append(event).await
    }

    async fn append(&self, event: Event) -> Result<Receipt, SessionError> {
        self.core().append(event).await
    }

    /// Decides one action inside the session. A refusal is written as `session.rejected`, or as
    /// `forward.denied` for a forward; `what` is what the event says was asked for.
    pub async fn authorize(&self, action: &Action) -> Result<(), ActionRefusal> {
        let Err(refusal) = self.core().permit.allows(action) else { return Ok(()) };
        let detail = rejection::of(action, &refusal);
        // When even the refusal cannot be written the session is cut, and the answer is no either way.
        let _ = self.event_denied(detail, refusal.why.clone()).await;
        Err(refusal)
    }

    /// Whether frames written with [`Session::record`] are kept.
    pub fn is_recorded(&self) -> bool {
        self.core().tape.runs()
    }

    /// Whether what the client types is to be recorded too.
    pub fn records_input(&self) -> bool {
        self.core().permit.options().record_input && self.is_recorded()
    }

    /// Puts a frame into the recording; waits while the disk is behind. Where the role requires a
    /// recording, a failure cuts the session; where it does not, the failure is written and the session
    /// goes on.
    pub async fn record(&self, frame: Frame) -> Result<(), SessionError> {
        self.core().record(frame).await
    }

    /// What the person is to be told on a terminal of theirs, from now on.
    pub fn notices(&self) -> Notices {
        Notices(self.core().live.notices())
    }

    /// Counts bytes from the client to the target.
    pub fn count_in(&self, bytes: usize) {
        self.core().live.count_in(bytes as u64);
    }

    /// Counts bytes from the target to the client.
    pub fn count_out(&self, bytes: usize) {
        self.core().live.count_out(bytes as u64);
    }

    /// Says whether the session was ordered to end, and how.
    pub fn cut(&self) -> Option<Cut> {
        self.core().live.ordered()
    }

    /// Waits until the session is ordered to end.
    pub async fn until_cut(&self) -> Cut {
        self.core().live.until_cut().await
    }

    /// Says what went wrong; `session.end` will carry it as a failure.
    pub fn fail(&self, why: impl Into<String>) {
        let mut failure = self.core().failure.lock().expect("no panic happens while the lock is held");
        failure.get_or_insert(why.into());
    }

    /// Seals the recording and writes the end. Later calls do nothing.
    pub async fn end(&self, ended_by: EndedBy) {
        self.core().end(ended_by).await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.core.ended.load(Ordering::SeqCst) {
            return;
        }
        let core = self.core.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { core.end(EndedBy::Error).await });
            }
            // Outside a runtime the process is going down; recovery will find the session open.
            Err(_) => tracing::error!(session = %core.live.id, "session dropped outside the runtime"),
        }
    }
}

impl Core {
    fn event(&self, detail: Detail) -> Event {
        let target = self.permit.target();
        Event::new(self.gateway.ambient(), self.permit.actor().clone(), detail)
            .from_origin(self.permit.origin().cloned())
            .at_target(Some(Target {
                kind: self.live.protocol.to_owned(),
                name: target.name.clone(),
                labels: target.labels.clone(),
                address: Some(target.address.clone()),
            }))
            .in_session(self.live.id)
    }

    fn start_event(&self) -> Event {
        let options = self.permit.options();
        self.event(Detail::SessionStart(kinds::Start {
            protocol: self.live.protocol.to_owned(),
            login: self.live.login.clone(),
            recording: recording_word(options.recording).to_owned(),
            record_input: options.record_input,
            granted_by: self.permit.granted_by(),
            granted_at: self.permit.receipt().position(),
        }))
    }

    async fn append(&self, event: Event) -> Result<Receipt, SessionError> {
        self.gateway.shared.log.append(&event).await.map_err(|error| {
            self.live.cut(Cut::log(&error));
            SessionError::Log(error)
        })
    }

    /// Writes what ends a session; with the log gone there is nobody left to tell but the operator.
    async fn append_closing(&self, event: Event) {
        if let Err(error) = self.gateway.shared.log.append(&event).await {
            tracing::error!(session = %self.live.id, kind = event.kind(), %error, "cannot write a session's end");
        }
    }

    async fn start_recording(&self) -> Result<(), SessionError> {
        if self.permit.options().recording == RecordingMode::Off {
            return Ok(());
        }
        let header = Header {
            session: self.live.id,
            started: self.live.started,
            user: self.live.user.clone(),
            login: self.live.login.clone(),
            target: self.live.target.clone(),
            protocol: self.live.protocol.to_owned(),
        };
        match self.gateway.shared.recordings.start(header).await {
            Ok(recorder) => {
                self.tape.put(recorder);
                Ok(())
            }
            Err(error) => {
                self.require_recording(&error)?;
                self.go_on_unrecorded(format!("the recording could not begin: {error}")).await
            }
        }
    }

    async fn record(&self, frame: Frame) -> Result<(), SessionError> {
        let Some(recorder) = self.tape.recorder() else { return Ok(()) };
        match recorder.write(frame).await {
            Ok(()) => Ok(()),
            // Frames of channels that outlive the order to end come too late for the sealed recording.
            Err(_) if self.ended.load(Ordering::SeqCst) => Ok(()),
            Err(error) => self.recording_failed(error).await,
        }
    }

    async fn recording_failed(&self, error: RecordingError) -> Result<(), SessionError> {
        self.require_recording(&error)?;
        // Every channel finds out; it is said once, by the one who takes the broken recorder away.
        match self.tape.take() {
            Some(_) => self.go_on_unrecorded(format!("the recording failed: {error}")).await,
            None => Ok(()),
        }
    }

    /// Cuts the session where the role requires its recording.
    fn require_recording(&self, error: &RecordingError) -> Result<(), SessionError> {
        if self.permit.options().recording != RecordingMode::Required {
            return Ok(());
        }
        self.live.cut(Cut::recording(error));
        Err(SessionError::Recording(error.clone()))
    }

    /// Says that what follows in the session is not recorded.
    async fn go_on_unrecorded(&self, why: String) -> Result<(), SessionError> {
        let event = self.event(truncated()).failed(format!("{why}; the session went on without"));
        self.append(event).await.map(|_| ())
    }

    async fn end(&self, ended_by: EndedBy) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        let order = self.live.ordered();
        if let Some(Cut { cause: Some(cause), why, by, .. }) = &order {
            let detail = Detail::SessionTerminated(kinds::Terminated { cause: (*cause).to_owned() });
            let mut event = self.event(detail);
            event.actor = by.clone();
            // The outcome is success: the session was cut as ordered. The reason still says why.
            event.reason = Some(why.clone());
            self.append_closing(event).await;
        }
        let recording_root = self.seal().await;
        let ended_by = order.as_ref().map_or(ended_by, |order| order.ended_by);
        let now = self.gateway.ambient().now();
        let duration_ms = u64::try_from(now.since(self.live.started).as_millis()).unwrap_or(u64::MAX);
        let mut event = self.event(Detail::SessionEnd(kinds::End {
            duration_ms,
            bytes_in: self.live.bytes_in(),
            bytes_out: self.live.bytes_out(),
            recording_root,
            ended_by: ended_by.as_str().to_owned(),
        }));
        let failure = self.failure.lock().expect("no panic happens while the lock is held").take();
        if let Some(why) = failure {
            event = event.failed(why);
        }
        self.append_closing(event).await;
        self.gateway.sessions().remove(self.live.id);
    }

    /// Seals the recording and returns its root, in hexadecimal.
    async fn seal(&self) -> Option<String> {
        let recorder = self.tape.take()?;
        match recorder.seal().await {
            Ok(seal) => {
                let root = encode_string(&seal.root);
                let event = self.event(Detail::RecordingSealed(recording_kinds::Sealed {
                    root: root.clone(),
                    chunks: seal.chunks,
                    bytes: seal.bytes,
                    stored_bytes: seal.stored_bytes,
                    duration_ms: seal.duration_ms,
                }));
                self.append_closing(event).await;
                Some(root)
            }
            Err(error) => {
                let event =
                    self.event(truncated()).failed(format!("the recording could not be sealed: {error}"));
                self.append_closing(event).await;
                None
            }
        }
    }
}

fn truncated() -> Detail {
    Detail::RecordingTruncated(recording_kinds::Truncated { root: None, chunks: 0, discarded_bytes: 0 })
}

fn recording_word(mode: RecordingMode) -> &'static str {
    match mode {
        RecordingMode::Required => "required",
        RecordingMode::BestEffort => "best_effort",
        RecordingMode::Off => "off",
    }
}
