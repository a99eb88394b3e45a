//! Traces: what every lock and every rule says of one question, before anything is decided.
//!
//! Decisions and explanations are both read off a trace, so an explanation cannot differ from the decision.

use std::fmt;

use event::{SessionId, Timestamp};
use serde::Serialize;

use crate::resource::{Lock, Locked, Role, Rule, Side, Target};
use crate::snapshot::{Snapshot, Subject};

/// A question: may this login be used on this target?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Name of the target.
    pub target: &'a str,
    /// Account on it; without one, the question is whether there is any.
    pub login: Option<&'a str>,
    /// The session that runs already, when one is checked again.
    pub session: Option<SessionId>,
}

/// Which rule of which role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleName {
    /// The role.
    pub role: String,
    /// Which way the rule decides.
    pub side: Side,
    /// Its place on that side, from 1.
    pub place: usize,
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "role `{}`, {} rule {}", self.role, self.side, self.place)
    }
}

/// What one rule says of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleFinding {
    /// Which rule.
    #[serde(flatten)]
    pub rule: RuleName,
    /// Whether the source network is one that the rule speaks of.
    pub network: bool,
    /// Whether the target is one that the rule speaks of.
    pub target: bool,
    /// Whether the login is one that the rule speaks of.
    pub login: bool,
    /// Account names that the rule makes for this user.
    pub logins: Vec<String>,
    /// Whether the rule states no login and so speaks of every one; only a rule that denies can.
    pub all_logins: bool,
}

impl RuleFinding {
    /// Says whether all that the rule states holds.
    pub fn applies(&self) -> bool {
        self.network && self.target && self.login
    }

    /// The finding of a rule of which all that matters holds.
    pub(crate) fn applying(rule: RuleName) -> RuleFinding {
        RuleFinding { rule, network: true, target: true, login: true, logins: Vec::new(), all_logins: false }
    }

    pub(crate) fn is(&self, side: Side) -> bool {
        self.rule.side == side
    }
}

/// A lock that holds now and is on what is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockFinding {
    /// Name of the lock.
    pub lock: String,
    /// What it cuts off.
    pub locked: String,
    /// Why it was set.
    pub reason: String,
    /// Whether it is on the target alone; the person must not learn from it that the target exists.
    #[serde(skip)]
    pub on_target: bool,
}

impl LockFinding {
    pub(crate) fn of(lock: &Lock) -> LockFinding {
        LockFinding {
            lock: lock.name.clone(),
            locked: lock.locked.to_string(),
            reason: lock.reason.clone(),
            on_target: matches!(lock.locked, Locked::Target(_)),
        }
    }
}

impl fmt::Display for LockFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lock `{}` on {}: {}", self.lock, self.locked, self.reason)
    }
}

/// What every lock and rule says.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    pub target_exists: bool,
    pub locks: Vec<LockFinding>,
    pub missing_roles: Vec<String>,
    pub rules: Vec<RuleFinding>,
}

/// Puts a question to every lock and every rule of the subject's roles.
pub(crate) fn trace(
    snapshot: &Snapshot,
    subject: &Subject,
    question: &Question<'_>,
    now: Timestamp,
) -> Trace {
    let target = snapshot.targets.get(question.target);
    let mut locks: Vec<LockFinding> = snapshot
        .locks_at(now)
        .filter(|lock| is_locked(&lock.locked, subject, question))
        .map(LockFinding::of)
        .collect();
    // Locks that say nothing about the target come first: the person may hear of them.
    locks.sort_by_key(|lock| lock.on_target);
    let mut trace =
        Trace { target_exists: target.is_some(), locks, missing_roles: Vec::new(), rules: Vec::new() };
    for name in held(subject) {
        match snapshot.roles.get(name) {
            Some(role) => trace.rules.extend(ask_role(role, subject, target.map(AsRef::as_ref), question)),
            None => trace.missing_roles.push(name.clone()),
        }
    }
    trace
}

/// Roles of the subject in the order of their names, each once.
pub(crate) fn held(subject: &Subject) -> std::collections::BTreeSet<&String> {
    subject.roles.iter().collect()
}

fn is_locked(locked: &Locked, subject: &Subject, question: &Question<'_>) -> bool {
    match locked {
        Locked::User(_) | Locked::Role(_) => subject.is_locked_by(locked),
        Locked::Login(login) => question.login == Some(login),
        Locked::Target(target) => target == question.target,
        Locked::Session(session) => question.session == Some(*session),
        Locked::Everything => true,
    }
}

fn ask_role(
    role: &Role,
    subject: &Subject,
    target: Option<&Target>,
    question: &Question<'_>,
) -> Vec<RuleFinding> {
    let about_targets = role.rules().filter(|(_, rule, _)| rule.about_targets());
    about_targets
        .map(|(side, rule, place)| {
            let rule_name = RuleName { role: role.name.clone(), side, place };
            ask_rule(rule_name, rule, subject, target, question)
        })
        .collect()
}

fn ask_rule(
    name: RuleName,
    rule: &Rule,
    subject: &Subject,
    target: Option<&Target>,
    question: &Question<'_>,
) -> RuleFinding {
    let side = name.side;
    let logins = expand(rule, subject);
    RuleFinding {
        network: network_holds(side, rule, subject),
        target: target.is_some_and(|target| target_holds(side, rule, target)),
        login: login_holds(side, rule, &logins, question.login),
        logins,
        all_logins: side == Side::Deny && rule.logins.is_empty(),
        rule: name,
    }
}

fn expand(rule: &Rule, subject: &Subject) -> Vec<String> {
    let mut logins: Vec<String> =
        rule.logins.iter().flat_map(|login| login.expand(&subject.user, &subject.traits)).collect();
    logins.sort();
    logins.dedup();
    logins
}

/// Where the address is not known, a rule that allows from a network does not hold, and one that denies does.
pub(crate) fn network_holds(side: Side, rule: &Rule, subject: &Subject) -> bool {
    if rule.from.is_empty() {
        return true;
    }
    match &subject.origin {
        Some(origin) => rule.from.iter().any(|network| network.contains(origin.ip)),
        None => side == Side::Deny,
    }
}

fn target_holds(side: Side, rule: &Rule, target: &Target) -> bool {
    if !rule.selects_targets() {
        return side == Side::Deny;
    }
    rule.targets.contains(&target.name) || rule.labels.matches(&target.labels)
}

fn login_holds(side: Side, rule: &Rule, logins: &[String], asked: Option<&str>) -> bool {
    match (side, asked) {
        (Side::Deny, _) if rule.logins.is_empty() => true,
        (_, Some(asked)) => logins.iter().any(|login| login == asked),
        (Side::Allow, None) => !logins.is_empty(),
        (Side::Deny, None) => false,
    }
}
