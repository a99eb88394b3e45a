//! Explanations: which lock or rule decides, and what every other one said.

use std::fmt;

use event::Timestamp;
use serde::Serialize;

use crate::decide::{Decision, Denial, code, decide, other_logins, verdict};
use crate::options::SessionOptions;
use crate::resource::Side;
use crate::snapshot::{Snapshot, Subject};
use crate::trace::{LockFinding, Question, RuleFinding, trace};

/// Why a person may, or may not, reach a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Name of the user.
    pub user: String,
    /// Name of the target.
    pub target: String,
    /// Account that was asked for; without one the question is whether there is any.
    pub login: Option<String>,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Stable word for the reason when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// One sentence that names what decides.
    pub why: String,
    /// Accounts by which the user reaches the target, were there no locks.
    pub logins: Vec<String>,
    /// Options of the session, when it is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<SessionOptions>,
    /// Locks that are on it.
    pub locks: Vec<LockFinding>,
    /// Roles that the user holds and that do not exist.
    pub missing_roles: Vec<String>,
    /// What every rule said, in the order of the roles' names, rules that deny first.
    pub rules: Vec<RuleFinding>,
}

/// A target that someone may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReachableTarget {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Accounts by which it may be reached, sorted.
    pub logins: Vec<String>,
}

/// Explains what would be decided. The number of open sessions is not looked at.
pub fn explain(
    snapshot: &Snapshot,
    subject: &Subject,
    target: &str,
    login: Option<&str>,
    now: Timestamp,
) -> Explanation {
    let question = Question { target, login, session: None };
    let trace = trace(snapshot, subject, &question, now);
    let logins = other_logins(&trace);
    let mut decision = verdict(&trace, snapshot, subject, &question);
    if login.is_none() && logins.is_empty() && matches!(decision, Decision::Grant(_)) {
        let why = "every login that the roles give is denied by a rule".to_owned();
        decision = Decision::Deny(Denial::open(code::DENIED, why));
    }
    let (allowed, code, why, options) = match decision {
        Decision::Grant(grant) => (true, None, grant.why, Some(grant.options)),
        Decision::Deny(denial) => (false, Some(denial.code), denial.why, None),
    };
    Explanation {
        user: subject.user.clone(),
        target: target.to_owned(),
        login: login.map(str::to_owned),
        allowed,
        code,
        why,
        logins,
        options,
        locks: trace.locks,
        missing_roles: trace.missing_roles,
        rules: trace.rules,
    }
}

/// Lists the targets that the subject may reach now, each with the logins that would be granted.
pub(crate) fn reachable(snapshot: &Snapshot, subject: &Subject, now: Timestamp) -> Vec<ReachableTarget> {
    let targets = snapshot.targets.values().filter_map(|target| {
        let question = Question { target: &target.name, login: None, session: None };
        let granted = |login: &String| {
            let ask = crate::Ask { protocol: "ssh", target: &target.name, login, open_sessions: 0 };
            let decision = decide(snapshot, subject, &ask, now);
            matches!(decision, Decision::Grant(_))
        };
        let logins = other_logins(&trace(snapshot, subject, &question, now));
        let logins: Vec<String> = logins.into_iter().filter(granted).collect();
        let (name, description, labels) =
            (target.name.clone(), target.description.clone(), target.labels.clone());
        (!logins.is_empty()).then_some(ReachableTarget { name, description, labels, logins })
    });
    targets.collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = self.login.as_ref().map_or(String::new(), |login| format!(" as {login}"));
        let verb = if self.allowed { "may" } else { "may not" };
        writeln!(f, "{} {verb} reach {}{login}: {}", self.user, self.target, self.why)?;
        if !self.logins.is_empty() {
            writeln!(f, "  logins: {}", self.logins.join(", "))?;
        }
        self.locks.iter().try_for_each(|lock| writeln!(f, "  {lock}"))?;
        self.missing_roles.iter().try_for_each(|role| writeln!(f, "  role `{role}` does not exist"))?;
        self.rules.iter().try_for_each(|finding| writeln!(f, "  {}: {}", finding.rule, said(finding)))
    }
}

/// Says in words what a rule made of the question.
fn said(finding: &RuleFinding) -> String {
    let mut misses = Vec::new();
    if !finding.network {
        misses.push("another network");
    }
    if !finding.target {
        misses.push("another target");
    }
    if !finding.login {
        misses.push(if finding.logins.is_empty() { "no login" } else { "another login" });
    }
    match (misses.is_empty(), finding.rule.side) {
        (true, Side::Allow) => "allows it".to_owned(),
        (true, Side::Deny) => "denies it".to_owned(),
        (false, _) => format!("does not apply ({})", misses.join(", ")),
    }
}
