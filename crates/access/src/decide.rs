//! Decisions: pure, from a snapshot, the asker's facts and a question. Nothing is recorded here.
//!
//! The order: locks, unknown target, rules that deny, rules that allow (network, target, login), number of sessions. What
//! the person is told never shows whether a target exists that they may not reach.

use event::{Policy, Timestamp};

use crate::options::SessionOptions;
use crate::resource::Side;
use crate::snapshot::{Snapshot, Subject};
use crate::trace::{LockFinding, Question, RuleFinding, Trace, trace};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// `ssh`.
    pub protocol: &'a str,
    /// Name of the target.
    pub target: &'a str,
    /// Account on the target.
    pub login: &'a str,
    /// How many sessions the user has open now, without the one that is asked for.
    pub open_sessions: usize,
}

/// Stable words for the reasons of a denial.
pub mod code {
    /// A lock holds.
    pub const LOCKED: &str = "locked";
    /// There is no such target. Recorded only; the person reads [`NO_ACCESS`].
    pub const UNKNOWN_TARGET: &str = "unknown_target";
    /// A rule denies. Recorded only; the person reads [`NO_ACCESS`].
    pub const DENIED: &str = "denied_by_rule";
    /// A rule would allow from another network. Recorded only; the person reads [`NO_ACCESS`].
    pub const NETWORK: &str = "network";
    /// No rule allows the target. Recorded only; the person reads [`NO_ACCESS`].
    pub const NO_ROLE: &str = "no_role";
    /// The target may be reached, with other logins.
    pub const LOGIN: &str = "login";
    /// The change would leave nobody who could change roles.
    pub const LAST_ADMINISTRATOR: &str = "last_administrator";
    /// Too many sessions are open.
    pub const TOO_MANY_SESSIONS: &str = "too_many_sessions";
    /// The login was ended, or its user is gone.
    pub const LOGIN_ENDED: &str = "login_ended";
    /// What the person reads for every target that they may not reach, whether it exists or not.
    pub const NO_ACCESS: &str = "no_access";
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may go on.
    Grant(Grant),
    /// It may not.
    Deny(Denial),
}

/// A decision that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Roles that grant, sorted.
    pub roles: Vec<String>,
    /// One sentence that names the rules.
    pub why: String,
    /// Options in force.
    pub options: SessionOptions,
}

/// A decision that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Stable word for the record.
    pub code: &'static str,
    /// Roles that decided, sorted.
    pub roles: Vec<String>,
    /// One sentence for the record, which names the rule or lock.
    pub why: String,
    /// Stable word for the person.
    pub told_code: &'static str,
    /// One sentence for the person.
    pub told: String,
}

impl Grant {
    pub(crate) fn policy(&self) -> Policy {
        Policy { decision: event::Decision::Allow, roles: self.roles.clone(), why: self.why.clone() }
    }
}

impl Denial {
    /// A denial that the person may read as it is recorded.
    pub(crate) fn open(code: &'static str, why: String) -> Denial {
        Denial { code, roles: Vec::new(), told: why.clone(), why, told_code: code }
    }

    /// A denial of which the person learns only that there is nothing for them.
    pub(crate) fn hidden(code: &'static str, roles: Vec<String>, why: String, target: &str) -> Denial {
        let told = format!("there is no target `{}` that you may reach", crate::names::shorten(target));
        Denial { code, roles, why, told_code: code::NO_ACCESS, told }
    }

    pub(crate) fn locked(lock: &LockFinding) -> Denial {
        let told = format!("access is locked by `{}`; ask an administrator", lock.lock);
        Denial { code: code::LOCKED, roles: Vec::new(), why: lock.to_string(), told_code: code::LOCKED, told }
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy { decision: event::Decision::Deny, roles: self.roles.clone(), why: self.why.clone() }
    }
}

/// Decides whether the subject may open a session.
pub fn decide(snapshot: &Snapshot, subject: &Subject, ask: &Ask<'_>, now: Timestamp) -> Decision {
    let question = Question { target: ask.target, login: Some(ask.login), session: None };
    let trace = trace(snapshot, subject, &question, now);
    match verdict(&trace, snapshot, subject, &question) {
        Decision::Grant(grant) => limit_sessions(grant, ask),
        denied => denied,
    }
}

/// Reads the decision off a trace; the number of open sessions is left to the caller.
pub(crate) fn verdict(
    trace: &Trace,
    snapshot: &Snapshot,
    subject: &Subject,
    question: &Question<'_>,
) -> Decision {
    match (trace.locks.first(), grant(trace, snapshot, subject, question)) {
        (None, Ok(grant)) => Decision::Grant(grant),
        (None, Err(denial)) => Decision::Deny(denial),
        // A lock on a target the person could not reach anyway stays hidden from them.
        (Some(lock), Err(denial)) if lock.on_target && denial.told_code == code::NO_ACCESS => {
            Decision::Deny(Denial { code: code::LOCKED, roles: Vec::new(), why: lock.to_string(), ..denial })
        }
        (Some(lock), _) => Decision::Deny(Denial::locked(lock)),
    }
}

fn grant(
    trace: &Trace,
    snapshot: &Snapshot,
    subject: &Subject,
    question: &Question<'_>,
) -> Result<Grant, Denial> {
    let target = question.target;
    if !trace.target_exists {
        let why = format!("there is no target `{}`", crate::names::shorten(target));
        return Err(Denial::hidden(code::UNKNOWN_TARGET, Vec::new(), why, target));
    }
    let applying = |side| -> Vec<&RuleFinding> {
        trace.rules.iter().filter(|finding| finding.is(side) && finding.applies()).collect()
    };
    let denying = applying(Side::Deny);
    if !denying.is_empty() {
        return Err(denied_by(&denying, trace, question));
    }
    let allowing = applying(Side::Allow);
    if allowing.is_empty() {
        return Err(nothing_allows(trace, subject, question));
    }
    let roles = roles_of(&allowing);
    let complete = |role: &String| snapshot.roles.get(role).map(|role| role.options.complete());
    let options = roles.iter().filter_map(complete).reduce(SessionOptions::strictest);
    let options = options.unwrap_or_else(|| crate::options::RoleOptions::default().complete());
    Ok(Grant { why: format!("allowed by {}", names_of(&allowing)), roles, options })
}

fn denied_by(denying: &[&RuleFinding], trace: &Trace, question: &Question<'_>) -> Denial {
    let why = format!("denied by {}", names_of(denying));
    let roles = roles_of(denying);
    match other_logins(trace) {
        logins if logins.is_empty() => Denial::hidden(code::DENIED, roles, why, question.target),
        logins => Denial { roles, why, ..wrong_login(code::DENIED, question, &logins) },
    }
}

/// Says why no rule allows: the first thing that every rule that comes near fails on.
fn nothing_allows(trace: &Trace, subject: &Subject, question: &Question<'_>) -> Denial {
    let target = question.target;
    let logins = other_logins(trace);
    if !logins.is_empty() {
        return wrong_login(code::LOGIN, question, &logins);
    }
    let allowing = || trace.rules.iter().filter(|finding| finding.is(Side::Allow) && finding.target);
    let elsewhere: Vec<&RuleFinding> =
        allowing().filter(|finding| finding.login && !finding.network).collect();
    if !elsewhere.is_empty() {
        let from =
            subject.origin.as_ref().map_or("an unknown address".to_owned(), |origin| origin.ip.to_string());
        let why = format!("{} would allow it from another network than that of {from}", names_of(&elsewhere));
        return Denial::hidden(code::NETWORK, roles_of(&elsewhere), why, target);
    }
    // Whoever reaches the target by no login at all is not told that it exists.
    let near: Vec<&RuleFinding> = allowing().filter(|finding| finding.network).collect();
    if !near.is_empty() {
        let why = format!("{} would allow the target, but gives the user no login on it", names_of(&near));
        return Denial::hidden(code::LOGIN, roles_of(&near), why, target);
    }
    let why = match subject.roles.is_empty() {
        true => "the user holds no role".to_owned(),
        false => format!("no rule of the roles {} allows the target", subject.roles.join(", ")),
    };
    Denial::hidden(code::NO_ROLE, Vec::new(), why, target)
}

fn wrong_login(code: &'static str, question: &Question<'_>, logins: &[String]) -> Denial {
    let login = crate::names::shorten(question.login.unwrap_or_default());
    let target = crate::names::shorten(question.target);
    let why = format!(
        "login `{login}` is not among those that the roles give on `{target}`: {}",
        logins.join(", ")
    );
    let told = format!("you may not log in to `{target}` as `{login}`; you may as {}", logins.join(", "));
    Denial { code, roles: Vec::new(), why, told_code: code::LOGIN, told }
}

/// Logins by which the subject reaches the target all the same.
pub(crate) fn other_logins(trace: &Trace) -> Vec<String> {
    let holds = |finding: &&RuleFinding| finding.network && finding.target;
    let denied = |login: &String| {
        trace.rules.iter().filter(|finding| finding.is(Side::Deny)).filter(holds).any(|finding| {
            // A rule that denies without naming logins denies them all; it states none, and holds for any.
            finding.logins.contains(login) || finding.all_logins
        })
    };
    let mut logins: Vec<String> = trace
        .rules
        .iter()
        .filter(|finding| finding.is(Side::Allow))
        .filter(holds)
        .flat_map(|finding| finding.logins.clone())
        .filter(|login| !denied(login))
        .collect();
    logins.sort();
    logins.dedup();
    logins
}

fn limit_sessions(grant: Grant, ask: &Ask<'_>) -> Decision {
    let Some(most) = grant.options.max_sessions else { return Decision::Grant(grant) };
    if ask.open_sessions < usize::try_from(most).unwrap_or(usize::MAX) {
        return Decision::Grant(grant);
    }
    let why = format!(
        "{} sessions are open, and the roles {} allow {most}",
        ask.open_sessions,
        grant.roles.join(", ")
    );
    let told = format!("you have {} sessions open and may have {most}; close one first", ask.open_sessions);
    let told_code = code::TOO_MANY_SESSIONS;
    Decision::Deny(Denial { code: code::TOO_MANY_SESSIONS, roles: grant.roles, why, told_code, told })
}

pub(crate) fn roles_of(findings: &[&RuleFinding]) -> Vec<String> {
    let mut roles: Vec<String> = findings.iter().map(|finding| finding.rule.role.clone()).collect();
    roles.sort();
    roles.dedup();
    roles
}

fn names_of(findings: &[&RuleFinding]) -> String {
    let names: Vec<String> = findings.iter().map(|finding| finding.rule.to_string()).collect();
    names.join("; ")
}
