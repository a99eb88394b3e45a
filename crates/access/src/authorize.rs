//! Authorising: decide, record, and only then hand out the permit.

use event::kinds::access::{Denied, Granted};
use event::{Actor, Detail, Event, SessionId, Target};
use identity::{Authenticated, CertificateRefusal};

use crate::access::Access;
use crate::api_permit::{ApiPermit, decide_api, log_scope};
use crate::decide::{Ask, Decision, Denial, Grant, code, decide, verdict};
use crate::ending::{Cause, Ending};
use crate::error::{AccessError, Refusal};
use crate::explain::{Explanation, ReachableTarget, explain, reachable};
use crate::names::shorten;
use crate::operation::{ApiResource, Operation, Verb};
use crate::permit::Permit;
use crate::scope::LogScope;
use crate::snapshot::{Snapshot, Subject};
use crate::trace::{Question, trace};

/// Someone who asks, with what the record needs of them.
struct Asker {
    subject: Subject,
    actor: Actor,
    user_login: SessionId,
    expires: event::Timestamp,
}

impl Access {
    /// Decides whether `who` may open a session as `login` on `target`. Appends `access.granted` or `access.denied` and
    /// returns only with that receipt. `open_sessions` is how many sessions the user has open now (the gateway counts).
    ///
    /// Whoever starts a session subscribes to [`changes`](Access::changes) first and asks [`must_end`](Access::must_end) once
    /// before the first byte flows, so that a lock which is set in between is not missed.
    pub async fn authorize(&self, who: &Authenticated, ask: Ask<'_>) -> Result<Permit, Refusal> {
        let (subject, actor) = self.facts(who);
        let asker = Asker { subject, actor, user_login: who.login(), expires: who.expires() };
        let snapshot = self.snapshot();
        let now = self.ambient().now();
        let decision = match decide(&snapshot, &asker.subject, &ask, now) {
            Decision::Grant(_) if !self.login_holds(who) => Decision::Deny(login_ended()),
            decision => decision,
        };
        match decision {
            Decision::Grant(grant) => self.grant(&snapshot, asker, &ask, grant).await,
            Decision::Deny(denial) => Err(self.deny(&snapshot, asker, &ask, denial).await),
        }
    }

    /// Says whether `who` would be allowed an operation of the API now. Records nothing and permits nothing.
    pub fn would_authorize_api(&self, who: &Authenticated, operation: Operation) -> bool {
        let decision = decide_api(&self.snapshot(), &self.facts(who).0, operation, self.ambient().now());
        decision.is_ok() && self.login_holds(who)
    }

    /// Says what of the log `who` may read now. Records nothing and permits nothing: it is for looking again, while a
    /// stream runs, at what was permitted when it began.
    pub fn log_scope_now(&self, who: &Authenticated) -> LogScope {
        if !self.login_holds(who) {
            return LogScope::Nothing;
        }
        log_scope(&self.snapshot(), &self.facts(who).0, self.ambient().now())
    }

    /// Decides whether `who` may do an operation of the API. A refusal leaves `access.denied` with protocol `api`; a
    /// permission leaves the event of what is then done.
    pub async fn authorize_api(
        &self,
        who: &Authenticated,
        operation: Operation,
    ) -> Result<ApiPermit, Refusal> {
        let (subject, actor) = self.facts(who);
        let (snapshot, now) = (self.snapshot(), self.ambient().now());
        let decision = match decide_api(&snapshot, &subject, operation, now) {
            Ok(_) if !self.login_holds(who) => Err(login_ended()),
            decision => decision,
        };
        match decision {
            Ok(grant) => {
                let scope = log_scope(&snapshot, &subject, now);
                Ok(ApiPermit::granted(actor, subject, operation, grant, scope))
            }
            Err(denial) => {
                let detail = Denied {
                    protocol: "api".to_owned(),
                    login: operation.to_string(),
                    code: denial.code.to_owned(),
                };
                let event = Event::new(self.ambient(), actor, Detail::AccessDenied(detail))
                    .denied(denial.why.clone())
                    .from_origin(who.origin().cloned())
                    .under(denial.policy());
                self.log().append(&event).await?;
                Err(Refusal::Denied { code: denial.told_code, why: denial.told })
            }
        }
    }

    /// Says why a running session must end now, if it must: its time is over, a lock holds, the login was ended, the
    /// target was deleted or changed, or no rule grants the access any more. Options stay those of the grant.
    pub fn must_end(&self, permit: &Permit) -> Option<Ending> {
        let now = self.ambient().now();
        if now >= permit.expires {
            return Some(Ending { cause: Cause::Expired, why: "the session's time is over".to_owned() });
        }
        let snapshot = self.snapshot();
        let question = Question {
            target: &permit.target.name,
            login: Some(&permit.login),
            session: Some(permit.session),
        };
        let subject = self.as_of_now(&permit.subject);
        let trace = trace(&snapshot, &subject, &question, now);
        if let Some(lock) = trace.locks.first() {
            return Some(Ending { cause: Cause::Lock, why: lock.to_string() });
        }
        if let Some(why) = self.login_ended(permit) {
            return Some(Ending { cause: Cause::Login, why });
        }
        let why = match verdict(&trace, &snapshot, &subject, &question) {
            Decision::Deny(denial) => Some(denial.why),
            Decision::Grant(_) => moved(&snapshot, &permit.target),
        };
        why.map(|why| Ending { cause: Cause::Access, why })
    }

    /// Says what became of the login that a session stands on, if it does not stand any more.
    fn login_ended(&self, permit: &Permit) -> Option<String> {
        let user = &permit.subject.user;
        let refusal = self.identity().login_refusal(user, permit.user_login)?;
        Some(match refusal {
            CertificateRefusal::UserUnknown => format!("the user `{user}` was deleted"),
            CertificateRefusal::UserDisabled => format!("the user `{user}` was switched off"),
            _ => login_ended().why,
        })
    }

    /// Says whether there is a target of this name. For the gate's own use; nobody is told.
    pub fn has_target(&self, name: &str) -> bool {
        self.snapshot().targets.contains_key(name)
    }

    /// Lists the targets that `who` may reach now, each with the logins that would be granted.
    pub fn targets_for(&self, who: &Authenticated) -> Vec<ReachableTarget> {
        reachable(&self.snapshot(), &self.facts(who).0, self.ambient().now())
    }

    /// Explains what would be decided for a person. Needs a permit for `roles.read`.
    pub fn explain(
        &self,
        permit: &ApiPermit,
        subject: &Subject,
        target: &str,
        login: Option<&str>,
    ) -> Result<Explanation, AccessError> {
        self.need(permit, ApiResource::Roles, Verb::Read)?;
        Ok(explain(&self.snapshot(), subject, target, login, self.ambient().now()))
    }

    /// Explains to `who` what would be decided for themselves, no more than they may learn: a target that they do not
    /// reach looks like one that does not exist, and a lock keeps its reason.
    pub fn explain_own(
        &self,
        who: &Authenticated,
        target: &str,
        login: Option<&str>,
    ) -> Result<Explanation, Refusal> {
        let (subject, _) = self.facts(who);
        let explanation = explain(&self.snapshot(), &subject, target, login, self.ambient().now());
        let denial = match explanation.locks.first() {
            Some(lock) if !(lock.on_target && explanation.logins.is_empty()) => Denial::locked(lock),
            _ if explanation.logins.is_empty() => {
                Denial::hidden(code::NO_ROLE, Vec::new(), String::new(), target)
            }
            _ => return Ok(explanation),
        };
        Err(Refusal::Denied { code: denial.told_code, why: denial.told })
    }

    /// Takes the roles and traits that someone has now; those of the moment when they proved who they are may be old, since
    /// one connection asks many times.
    fn facts(&self, who: &Authenticated) -> (Subject, Actor) {
        let subject = self.as_of_now(&Subject::of(who));
        let actor = Actor { roles: subject.roles.clone(), ..who.actor() };
        (subject, actor)
    }

    fn as_of_now(&self, subject: &Subject) -> Subject {
        let mut subject = subject.clone();
        if let Some(user) = self.identity().user(&subject.user) {
            subject.roles = user.roles;
            subject.traits = user.traits;
        }
        subject
    }

    fn login_holds(&self, who: &Authenticated) -> bool {
        self.ambient().now() < who.expires() && self.identity().login_stands(who.user(), who.login())
    }

    async fn grant(
        &self,
        snapshot: &Snapshot,
        asker: Asker,
        ask: &Ask<'_>,
        grant: Grant,
    ) -> Result<Permit, Refusal> {
        let target = snapshot.targets.get(ask.target);
        let target =
            target.ok_or_else(|| Refusal::State(format!("target {} vanished", shorten(ask.target))))?;
        let session = self.ambient().session_id();
        let expires = self.ambient().now().plus(grant.options.session_ttl).min(asker.expires);
        let options =
            serde_json::to_value(&grant.options).map_err(|error| Refusal::State(error.to_string()))?;
        let detail =
            Granted { protocol: ask.protocol.to_owned(), login: ask.login.to_owned(), options, expires };
        let event = Event::new(self.ambient(), asker.actor.clone(), Detail::AccessGranted(detail))
            .from_origin(asker.subject.origin.clone())
            .at_target(Some(target.in_event()))
            .in_session(session)
            .under(grant.policy());
        let receipt = self.log().append(&event).await?;
        Ok(Permit {
            session,
            actor: asker.actor,
            subject: asker.subject,
            user_login: asker.user_login,
            target: target.as_ref().clone(),
            login: ask.login.to_owned(),
            options: grant.options,
            expires,
            granted_by: event.id,
            receipt,
        })
    }

    /// Records a denial and returns what the person is told.
    async fn deny(&self, snapshot: &Snapshot, asker: Asker, ask: &Ask<'_>, denial: Denial) -> Refusal {
        let detail = Denied {
            protocol: ask.protocol.to_owned(),
            login: shorten(ask.login),
            code: denial.code.to_owned(),
        };
        let event = Event::new(self.ambient(), asker.actor, Detail::AccessDenied(detail))
            .denied(denial.why.clone())
            .from_origin(asker.subject.origin)
            .at_target(Some(target_in_event(snapshot, ask)))
            .under(denial.policy());
        match self.log().append(&event).await {
            Ok(_) => Refusal::Denied { code: denial.told_code, why: denial.told },
            Err(error) => Refusal::Log(error),
        }
    }
}

/// Says whether a target is not any more what a session was opened to.
fn moved(snapshot: &Snapshot, opened: &crate::Target) -> Option<String> {
    let target = snapshot.targets.get(&opened.name)?;
    let moved = target.address != opened.address || target.host_key != opened.host_key;
    moved.then(|| format!("the target `{}` was given another address or host key", target.name))
}

fn login_ended() -> Denial {
    Denial::open(code::LOGIN_ENDED, "the login has ended; log in again".to_owned())
}

fn target_in_event(snapshot: &Snapshot, ask: &Ask<'_>) -> Target {
    let unknown = || Target {
        kind: ask.protocol.to_owned(),
        name: shorten(ask.target),
        labels: Default::default(),
        address: None,
    };
    snapshot.targets.get(ask.target).map_or_else(unknown, |target| target.in_event())
}
