//! What ends the program badly, and with which exit code.

use api::Problem;

/// A refusal, a damage or an absence that has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody is signed in, or the certificate is no longer good.
    #[error("{0}")]
    NotSignedIn(String),
    /// The server refused.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// What was given cannot be what was meant: another log's key, a file of another kind.
    #[error("{0}")]
    Usage(String),
    /// A verification found damage.
    #[error("{0}")]
    Damaged(String),
}

/// Exit codes beside 0 (done), 1 (failed) and 2 (wrong usage).
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "done"),
    (1, "failed: the message says why"),
    (2, "wrong usage, a key of another log, or a file of another kind"),
    (3, "not signed in, or refused"),
    (4, "verification found damage"),
    (5, "there is nothing of that name"),
];

/// Returns the exit code for an error.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Failure>() {
        Some(Failure::NotSignedIn(_)) => 3,
        Some(Failure::Refused(problem)) if problem.status == 404 => 5,
        Some(Failure::Refused(problem)) if matches!(problem.status, 401 | 403) => 3,
        Some(Failure::Usage(_)) => 2,
        Some(Failure::Damaged(_)) => 4,
        Some(Failure::Refused(_)) | None => 1,
    }
}
