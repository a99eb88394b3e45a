//! How badly an event is needed while the disk is full, and what is still taken then.
//!
//! The kind decides, here and nowhere else. What begins something is refused, so that nothing begins unrecorded. What
//! ends something is taken for as long as there is any room. What lets somebody look and step in has shares of the
//! ballast of its own: whoever must free the disk has to see first what fills it. A share that is used up is used up
//! until the disk has room again, so nothing here is unbounded.

use event::Detail;

use crate::error::Shortage;

/// How badly an event is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Begins something, or something happened in a session: refused on a full disk.
    Normal,
    /// A login, also one that failed. Strangers can cause these, so they cannot use up what those inside need.
    Entering,
    /// Reading the log or a recording, setting a lock, ending a login.
    Watching,
    /// Ends what was begun, or is the log's own opening: may use everything.
    Closing,
}

impl Need {
    /// Says how badly an event is needed.
    pub(crate) fn of(detail: &Detail) -> Need {
        match detail {
            Detail::UserLogin(_) | Detail::UserLockedOut(_) | Detail::CertIssue(_) => Need::Entering,
            Detail::UserLogout(_)
            | Detail::LockCreate(_)
            | Detail::LockUpdate(_)
            | Detail::SessionWatched(_)
            | Detail::RecordingViewed(_)
            | Detail::RecordingExported(_)
            | Detail::AuditSearched(_)
            | Detail::AuditQueried(_)
            | Detail::AuditExported(_)
            | Detail::AuditProved(_)
            | Detail::AuditVerified(_) => Need::Watching,
            Detail::SessionEnd(_)
            | Detail::SessionTerminated(_)
            | Detail::SessionAbandoned(_)
            | Detail::SessionCommandEnd(_)
            | Detail::FileUpload(_)
            | Detail::FileDownload(_)
            | Detail::ForwardClose(_)
            | Detail::RecordingSealed(_)
            | Detail::RecordingTruncated(_)
            | Detail::LogOpened(_)
            | Detail::LogRolledBack(_) => Need::Closing,
            _ => Need::Normal,
        }
    }
}

/// What a full disk still takes: a quarter of the ballast for entering, a quarter for watching, the rest for closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ration {
    shortage: Shortage,
    entering: u64,
    watching: u64,
    /// Free bytes that only closing may touch.
    kept: u64,
    /// Free bytes above those, when the disk was last looked at.
    room: u64,
}

impl Ration {
    /// Rations a disk on which `shortage` was found.
    pub(crate) fn new(shortage: Shortage, ballast_bytes: u64) -> Ration {
        let share = ballast_bytes / 4;
        let mut ration =
            Ration { shortage, entering: share, watching: share, kept: ballast_bytes - 2 * share, room: 0 };
        ration.look(ration.shortage.free);
        ration
    }

    /// Takes note of how many bytes are free now: others write to the disk too.
    pub(crate) fn look(&mut self, free: u64) {
        self.shortage.free = free;
        self.room = free.saturating_sub(self.kept);
    }

    /// What is short.
    pub(crate) fn shortage(&self) -> &Shortage {
        &self.shortage
    }

    /// Grants bytes to a need, out of its share; tells whether it did.
    pub(crate) fn grant(&mut self, need: Need, bytes: u64) -> bool {
        let share = match need {
            Need::Closing => return true,
            Need::Normal => return false,
            Need::Entering => &mut self.entering,
            Need::Watching => &mut self.watching,
        };
        if bytes > *share || bytes > self.room {
            return false;
        }
        *share -= bytes;
        self.room -= bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ration(free: u64) -> Ration {
        Ration::new(Shortage { folder: "/log".into(), free, needed: 9000 }, 4000)
    }

    #[test]
    fn each_share_is_used_up_on_its_own_and_closing_never() {
        let mut ration = ration(8000);
        assert!(ration.grant(Need::Entering, 1000));
        assert!(!ration.grant(Need::Entering, 1), "strangers used up the share of those who enter");
        assert!(ration.grant(Need::Watching, 600));
        assert!(!ration.grant(Need::Watching, 600));
        assert!(ration.grant(Need::Watching, 400));
        assert!(!ration.grant(Need::Watching, 1));
        assert!(!ration.grant(Need::Normal, 1));
        assert!(ration.grant(Need::Closing, 1_000_000));
    }

    #[test]
    fn half_the_ballast_is_kept_for_closing_even_when_others_fill_the_disk() {
        let mut ration = ration(2500);
        assert!(ration.grant(Need::Watching, 300));
        assert!(!ration.grant(Need::Watching, 300), "only 200 bytes lie above what is kept");
        ration.look(1999);
        assert!(!ration.grant(Need::Watching, 1));
        ration.look(8000);
        assert!(ration.grant(Need::Watching, 700));
        assert!(!ration.grant(Need::Watching, 1), "a share is not made anew");
    }
}
