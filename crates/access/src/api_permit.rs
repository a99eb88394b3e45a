//! API permits: proof that the API may do one operation for one person.
//!
//! A refused operation leaves `access.denied`; a permitted one leaves the event of what is then done, which carries the
//! permit's actor and policy.

use event::{Actor, Author, Decision, Policy, Timestamp};

use crate::decide::{Denial, code, roles_of};
use crate::operation::{ApiResource, Operation, Verb};
use crate::resource::{ApiRule, Resource, Side};
use crate::scope::{self, LogScope};
use crate::snapshot::{Snapshot, Subject};
use crate::trace::{LockFinding, RuleFinding, RuleName, held, network_holds};

/// Proof that one operation of the API is permitted to one person. Made by
/// [`Access::authorize_api`](crate::Access::authorize_api), and once at start by [`Access::boot_permit`](crate::Access::boot_permit).
///
/// ```compile_fail,E0451
/// fn widened(permit: access::ApiPermit, scope: access::LogScope) -> access::ApiPermit {
///     access::ApiPermit { scope, ..permit }
/// }
/// ```
#[derive(Debug)]
pub struct ApiPermit {
    author: Author,
    licence: Licence,
    scope: LogScope,
    subject: Option<Subject>,
}

/// What a permit is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Licence {
    /// One operation.
    Operation(Operation),
    /// The resources of the configuration file, while the server starts.
    Boot,
}

/// What a configuration file can declare.
const DECLARED: [ApiResource; 4] =
    [ApiResource::Users, ApiResource::Roles, ApiResource::Targets, ApiResource::Locks];

impl ApiPermit {
    /// Makes the permit that a grant stands for.
    pub(crate) fn granted(
        actor: Actor,
        subject: Subject,
        operation: Operation,
        grant: ApiGrant,
        scope: LogScope,
    ) -> ApiPermit {
        ApiPermit {
            author: Author {
                actor,
                origin: subject.origin.clone(),
                policy: Some(Policy { decision: Decision::Allow, roles: grant.roles, why: grant.why }),
            },
            licence: Licence::Operation(operation),
            scope,
            subject: Some(subject),
        }
    }

    pub(crate) fn boot() -> ApiPermit {
        let why = "declared in the server's configuration".to_owned();
        ApiPermit {
            author: Author {
                policy: Some(Policy { decision: Decision::Allow, roles: Vec::new(), why }),
                ..Author::system("boot")
            },
            licence: Licence::Boot,
            scope: LogScope::Nothing,
            subject: None,
        }
    }

    /// Returns who acts, from where, and by which rules: what the events of the operation carry.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// Returns the actor that events name.
    pub fn actor(&self) -> &Actor {
        &self.author.actor
    }

    /// Returns the operation; none for the permit of the server's start.
    pub fn operation(&self) -> Option<Operation> {
        match self.licence {
            Licence::Operation(operation) => Some(operation),
            Licence::Boot => None,
        }
    }

    /// Returns what of the log the person may read, whatever the operation. It bounds every answer that tells of events,
    /// sessions or recordings. Several roles' filters are joined with `or`.
    pub fn log_scope(&self) -> &LogScope {
        &self.scope
    }

    /// Says whether the permit is good for an operation.
    pub fn covers(&self, operation: Operation) -> bool {
        match self.licence {
            Licence::Operation(held) => held == operation,
            Licence::Boot => DECLARED.contains(&operation.resource()),
        }
    }

    /// Says whether a lock would shut its setter out of the API, and so from lifting it.
    pub(crate) fn is_hit_by(&self, resource: &Resource) -> bool {
        match (resource, &self.subject) {
            (Resource::Lock(lock), Some(subject)) => subject.is_locked_by(&lock.locked),
            _ => false,
        }
    }
}

/// A decision that permits an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiGrant {
    pub roles: Vec<String>,
    pub why: String,
    /// What the rules that allow the operation let through; read by [`log_scope`] alone.
    scope: LogScope,
}

/// Decides whether the subject may do an operation. Locks on the person or a role of theirs come first, then rules that deny.
pub(crate) fn decide_api(
    snapshot: &Snapshot,
    subject: &Subject,
    operation: Operation,
    now: Timestamp,
) -> Result<ApiGrant, Denial> {
    if let Some(lock) = snapshot.locks_at(now).find(|lock| subject.is_locked_by(&lock.locked)) {
        return Err(Denial::locked(&LockFinding::of(lock)));
    }
    let rules = ask_roles(snapshot, subject, operation);
    let of = |side| -> Vec<&Finding<'_>> { rules.iter().filter(|rule| rule.finding.is(side)).collect() };
    let (denying, allowing) = (of(Side::Deny), of(Side::Allow));
    let told = format!("your roles do not allow {operation}");
    if !denying.is_empty() {
        let why = format!("denied by {}", names(&denying));
        return Err(Denial { told, roles: roles(&denying), ..Denial::open(code::DENIED, why) });
    }
    if allowing.is_empty() {
        let why = format!("no rule of the roles [{}] allows {operation}", subject.roles.join(", "));
        return Err(Denial { told, ..Denial::open(code::NO_ROLE, why) });
    }
    let why = format!("allowed by {}", names(&allowing));
    Ok(ApiGrant { roles: roles(&allowing), why, scope: joined_scope(&allowing) })
}

/// Finds out what of the log the subject may read: the scope of `log.read`, and nothing where that is refused.
pub(crate) fn log_scope(snapshot: &Snapshot, subject: &Subject, now: Timestamp) -> LogScope {
    let reading = Operation::new(ApiResource::Log, Verb::Read).expect("the log can be read");
    decide_api(snapshot, subject, reading, now).map_or(LogScope::Nothing, |grant| grant.scope)
}

/// A rule that applies, with the parts of it that cover the operation.
struct Finding<'a> {
    finding: RuleFinding,
    parts: Vec<&'a ApiRule>,
}

fn ask_roles<'a>(snapshot: &'a Snapshot, subject: &Subject, operation: Operation) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    for role in held(subject).into_iter().filter_map(|name| snapshot.roles.get(name)) {
        let about_api = role.rules().filter(|(_, rule, _)| rule.about_api());
        for (side, rule, place) in about_api {
            let parts: Vec<&ApiRule> = rule.api.iter().filter(|part| part.covers(operation)).collect();
            // A rule that denies by networks alone has no parts and denies everything from there.
            let covered = !parts.is_empty() || (side == Side::Deny && rule.api.is_empty());
            if covered && network_holds(side, rule, subject) {
                let rule = RuleName { role: role.name.clone(), side, place };
                found.push(Finding { finding: RuleFinding::applying(rule), parts });
            }
        }
    }
    found
}

/// What any of the parts lets through; everything, when one of them has no filter.
fn joined_scope(allowing: &[&Finding<'_>]) -> LogScope {
    let parts = allowing.iter().flat_map(|finding| &finding.parts);
    let scopes = parts.map(|part| part.scope.as_deref()).collect::<Option<Vec<&str>>>();
    let Some(mut scopes) = scopes else { return LogScope::Everything };
    scopes.sort_unstable();
    scopes.dedup();
    LogScope::Matching(scope::any_of(&scopes))
}

fn roles(findings: &[&Finding<'_>]) -> Vec<String> {
    roles_of(&findings.iter().map(|each| &each.finding).collect::<Vec<_>>())
}

fn names(findings: &[&Finding<'_>]) -> String {
    let names: Vec<String> = findings.iter().map(|each| each.finding.rule.to_string()).collect();
    names.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(yaml: &str) -> Snapshot {
        Resource::parse_all(yaml).unwrap().into_iter().fold(Snapshot::default(), crate::rows::with)
    }

    fn subject(roles: &[&str], ip: Option<&str>) -> Subject {
        Subject {
            user: "alice".to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            traits: Default::default(),
            origin: ip.map(|ip| event::Origin { ip: ip.parse().unwrap(), port: None, agent: None }),
        }
    }

    fn ask(
        snapshot: &Snapshot,
        subject: &Subject,
        resource: ApiResource,
        verb: Verb,
    ) -> Result<ApiGrant, Denial> {
        decide_api(snapshot, subject, Operation::new(resource, verb).unwrap(), Timestamp::EPOCH)
    }

    const ROLES: &str = "
kind: role
name: own-events
allow: {api: {resources: log, verbs: read, where: 'actor.user: alice'}}
---
kind: role
name: staging-events
allow: {api: {resources: log, verbs: read, where: 'target.labels.env: staging'}}
---
kind: role
name: no-export
deny: {api: {resources: '*', verbs: export}}
---
kind: role
name: office-only
deny: {from: [192.0.2.0/24, '2001:db8::/32']}
";

    #[test]
    fn admin_may_do_everything_and_access_nothing() {
        let snapshot = Snapshot::default();
        for operation in Operation::all() {
            assert!(decide_api(&snapshot, &subject(&["admin"], None), operation, Timestamp::EPOCH).is_ok());
            let refused =
                decide_api(&snapshot, &subject(&["access"], None), operation, Timestamp::EPOCH).unwrap_err();
            assert_eq!(refused.code, code::NO_ROLE, "{operation}");
        }
    }

    #[test]
    fn auditor_reads_and_changes_nothing() {
        let snapshot = Snapshot::default();
        let looks_on = Operation::new(ApiResource::Sessions, Verb::Watch);
        for operation in Operation::all() {
            // Looking on while people work is for whoever is given it by name.
            let reads = Some(operation) != looks_on
                && !matches!(
                    operation.verb(),
                    Verb::Create | Verb::Update | Verb::Delete | Verb::Kill | Verb::Rotate | Verb::Sign
                );
            let decision = decide_api(&snapshot, &subject(&["auditor"], None), operation, Timestamp::EPOCH);
            assert_eq!(decision.is_ok(), reads, "{operation}");
        }
    }

    #[test]
    fn the_permit_of_the_start_declares_and_reads_no_log() {
        let permit = ApiPermit::boot();
        for operation in Operation::all() {
            let declares = DECLARED.contains(&operation.resource());
            assert_eq!(permit.covers(operation), declares, "{operation}");
        }
    }

    #[test]
    fn scopes_of_several_roles_are_joined_and_an_unscoped_one_frees() {
        let snapshot = snapshot(ROLES);
        let scope = |roles: &[&str]| log_scope(&snapshot, &subject(roles, None), Timestamp::EPOCH);
        let matching = |filter: &str| LogScope::Matching(filter.to_owned());
        assert_eq!(scope(&["own-events"]), matching("(actor.user: alice)"));
        assert_eq!(
            scope(&["own-events", "staging-events", "own-events"]),
            matching("(actor.user: alice) or (target.labels.env: staging)")
        );
        assert_eq!(scope(&["own-events", "auditor"]), LogScope::Everything);
        assert_eq!(scope(&["access"]), LogScope::Nothing);
        let export = ask(&snapshot, &subject(&["own-events"], None), ApiResource::Log, Verb::Export);
        assert!(export.is_err(), "reading a part is not exporting");
    }

    #[test]
    fn a_rule_that_denies_wins_over_admin() {
        let snapshot = snapshot(ROLES);
        let refused = ask(&snapshot, &subject(&["admin", "no-export"], None), ApiResource::Log, Verb::Export)
            .unwrap_err();
        assert_eq!(refused.code, code::DENIED);
        assert_eq!(refused.why, "denied by role `no-export`, deny rule 1");
        assert_eq!(refused.told, "your roles do not allow log.export");
        assert!(
            ask(&snapshot, &subject(&["admin", "no-export"], None), ApiResource::Log, Verb::Read).is_ok()
        );
    }

    #[test]
    fn a_network_that_is_denied_is_denied_the_api_and_so_is_an_unknown_one() {
        let snapshot = snapshot(ROLES);
        let from =
            |ip| ask(&snapshot, &subject(&["admin", "office-only"], ip), ApiResource::Users, Verb::List);
        assert!(from(Some("198.51.100.1")).is_ok());
        assert!(from(Some("192.0.2.9")).is_err());
        assert!(from(Some("::ffff:192.0.2.9")).is_err());
        assert!(from(None).is_err());
    }

    #[test]
    fn locks_on_the_person_or_a_role_shut_the_api_and_others_do_not() {
        for (lock, shut) in [
            ("user: alice", true),
            ("role: admin", true),
            ("user: bob", false),
            ("everything: true", false),
            ("login: root", false),
        ] {
            let snapshot = snapshot(&format!("{{kind: lock, name: l, reason: r, {lock}}}"));
            let decision = ask(&snapshot, &subject(&["admin"], None), ApiResource::Locks, Verb::Delete);
            assert_eq!(decision.is_err(), shut, "{lock}");
            if let Err(denial) = decision {
                assert_eq!(denial.code, code::LOCKED);
                assert!(!denial.told.contains(": r"), "the person is not told the reason");
            }
        }
    }
}
