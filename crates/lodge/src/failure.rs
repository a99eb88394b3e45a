//! What ends the program badly, and with which exit code.

use api::Problem;

/// A refusal, a damage or an absence that has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is signed in, or the certificate is no longer good.
    #[error("{0}")]
    NotSignedIn(String),
    /// The server refused.
    #[error("{}", said(.0))]
    Refused(Box<Problem>),
    /// What was given cannot be what was meant: another log's key, a file of another kind.
    #[error("{0}")]
    Usage(String),
    /// A verification found damage.
    #[error("{0}")]
    Damaged(String),
    /// The answer was given and is not the whole one.
    #[error("{0}")]
    Incomplete(String),
}

/// Says what the server said. A filter is drawn with marks under it, so it begins a line of its own whatever stands before.
fn said(problem: &Problem) -> String {
    match problem.code.as_str() {
        "filter" => format!("the filter cannot be read:\n{}", problem.detail),
        _ => problem.detail.clone(),
    }
}

/// Exit codes beside 0 (done), 1 (failed) and 2 (wrong usage).
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed: the message says why"),
    (2, "wrong usage, a key of another log, or a file of another kind"),
    (3, "not signed in, or refused"),
    (4, "verification found damage"),
    (5, "there is nothing of that name"),
    (
        6,
        "the answer that was printed is right and not the whole one: time ran out, or a part could not be searched",
    ),
];

/// Returns the exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(Failure::NotSignedIn(_)) => 3,
        Some(Failure::Refused(problem)) if problem.status == 404 => 5,
        Some(Failure::Refused(problem)) if matches!(problem.status, 401 | 403) => 3,
        Some(Failure::Usage(_)) => 2,
        Some(Failure::Damaged(_)) => 4,
        Some(Failure::Incomplete(_)) => 6,
        Some(Failure::Refused(_)) | None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_under_what_they_mark_whatever_is_said_before() {
        let detail = "kind: x and usr: y\n            ^^^\ncolumn 13: there is no field `usr`";
        let problem = Problem {
            kind: String::new(),
            title: String::new(),
            status: 400,
            detail: detail.to_owned(),
            code: "filter".to_owned(),
            request_id: None,
        };
        let error = anyhow::Error::from(Failure::Refused(Box::new(problem))).context("cannot ask");
        let told = api::told(error.as_ref());
        assert_eq!(told, format!("cannot ask: the filter cannot be read:\n{detail}"));
    }
}
