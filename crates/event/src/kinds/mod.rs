//! The kinds of event. One file a family; one line a kind in the list below.
//!
//! A kind's name is never reused for another meaning. Fields are added, never renamed.

/// Declares the detail types of a family; each field's type must be [`Loggable`](crate::loggable::Loggable).
macro_rules! details {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

        impl crate::loggable::Loggable for $name {}

        impl $name {
            /// The fields' names, in the order in which people read them.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        const _: () = { $(crate::loggable::assert_loggable::<$type>();)* };
    )* };
}

/// Declares records of other systems, whose detail is the original as it came: what is listed is what is known of it.
macro_rules! records {
    ($($(#[$doc:meta])* $name:ident { $($field:literal: $type:ty = $meaning:literal),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub serde_json::Value);

        impl crate::loggable::Loggable for $name {}

        impl $name {
            /// The names of the fields that are known, in the order in which people read them.
            pub const FIELDS: &'static [&'static str] = &[$($field),*];
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            #[allow(unused_variables, reason = "a record of which nothing is known has no fields")]
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let fields: [(&str, &str, schemars::Schema); Self::FIELDS.len()] =
                    [$(($field, $meaning, generator.subschema_for::<$type>())),*];
                crate::kinds::open_object(fields)
            }
        }
    )* };
}

/// Makes the schema of an object that has these fields and may have others.
fn open_object<const N: usize>(fields: [(&str, &str, schemars::Schema); N]) -> schemars::Schema {
    let described = fields.into_iter().map(|(name, meaning, mut schema)| {
        schema.insert("description".to_owned(), meaning.into());
        (name.to_owned(), schema.to_value())
    });
    let properties: serde_json::Map<String, serde_json::Value> = described.collect();
    schemars::json_schema!({ "type": "object", "properties": properties, "additionalProperties": true })
}

pub mod access;
pub mod archive;
pub mod audit;
pub mod authority;
pub mod cert;
pub mod change;
pub mod file;
pub mod forward;
pub mod kube;
pub mod log;
pub mod recording;
pub mod session;
pub mod source;
pub mod user;

/// Says what is known of a kind, for the catalogue and the schema.
#[derive(Clone, Copy)]
pub struct KindEntry {
    /// Dotted name.
    pub name: &'static str,
    /// Makes the JSON Schema of the kind's detail.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// The names of the detail's fields, in the order in which people read them.
    pub fields: &'static [&'static str],
    /// One sentence on when the event is written.
    pub when: &'static str,
}

impl KindEntry {
    /// Returns the family: what stands before the first dot.
    pub fn family(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }
}

macro_rules! kinds {
    ($($name:literal $variant:ident($type:ty) $when:literal)*) => {
        /// The typed detail of every kind that Lodge itself writes.
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind", content = "detail")]
        pub enum Detail {
            $(#[doc = $when] #[serde(rename = $name)] $variant($type),)*
        }

        impl Detail {
            /// Returns the dotted name of the kind.
            pub fn kind(&self) -> &'static str {
                match self { $(Detail::$variant(_) => $name,)* }
            }
        }

        /// Every kind that Lodge itself writes, in the order of the list.
        pub const KINDS: &[KindEntry] = &[
            $(KindEntry {
                name: $name,
                schema: <$type as schemars::JsonSchema>::json_schema,
                fields: <$type>::FIELDS,
                when: $when,
            },)*
        ];
    };
}

kinds! {
    "user.login" UserLogin(user::Login) "A person signed in or tried to."
    "user.logout" UserLogout(user::Logout) "A person ended a login; its certificates stop working."
    "user.locked_out" UserLockedOut(user::LockedOut) "Too many failed logins; further tries are refused for a while."
    "user.invite_create" UserInviteCreate(user::Invite) "A single-use invite link was made for a user."
    "user.invite_accept" UserInviteAccept(user::InviteAccepted) "An invite was used, or its use was refused."
    "user.mfa_enroll" UserMfaEnroll(user::MfaEnrolled) "A second factor was enrolled."
    "user.create" UserCreate(change::Change) "A user was created."
    "user.update" UserUpdate(change::Change) "A user was changed."
    "user.delete" UserDelete(change::Change) "A user was deleted."
    "cert.issue" CertIssue(cert::Issued) "A certificate was signed."
    "cert.deny" CertDeny(cert::Refused) "A certificate was presented and refused."
    "authority.create" AuthorityCreate(authority::Authority) "A certificate authority's key was made."
    "authority.rotate" AuthorityRotate(authority::Rotated) "A certificate authority moved to its next rotation phase."
    "access.granted" AccessGranted(access::Granted) "Access to a target was allowed."
    "access.denied" AccessDenied(access::Denied) "Access to a target or to the API was refused."
    "role.create" RoleCreate(change::Change) "A role was created."
    "role.update" RoleUpdate(change::Change) "A role was changed."
    "role.delete" RoleDelete(change::Change) "A role was deleted."
    "target.create" TargetCreate(change::Change) "A target was created."
    "target.update" TargetUpdate(change::Change) "A target was changed; a pinned host key shows here."
    "target.delete" TargetDelete(change::Change) "A target was deleted."
    "lock.create" LockCreate(change::Change) "A lock was set; what it names is cut off at once."
    "lock.update" LockUpdate(change::Change) "A lock was changed."
    "lock.delete" LockDelete(change::Change) "A lock was lifted."
    "session.start" SessionStart(session::Start) "A session began; written before the target is dialled."
    "session.end" SessionEnd(session::End) "A session ended; carries the recording's root hash."
    "session.shell" SessionShell(session::Shell) "An interactive shell was asked for."
    "session.command" SessionCommand(session::Command) "A command was sent to a target; written before it runs."
    "session.command_end" SessionCommandEnd(session::CommandEnd) "A command or shell ended."
    "session.subsystem" SessionSubsystem(session::Subsystem) "A subsystem such as sftp was asked for."
    "session.request" SessionRequest(session::Request) "A channel or global request that is neither of the above."
    "session.rejected" SessionRejected(session::Rejected) "An action inside a session was refused."
    "session.terminated" SessionTerminated(session::Terminated) "A session was cut by a person, a lock or a limit."
    "session.watched" SessionWatched(session::Watched) "Somebody looks on while a session runs; written before anything is shown."
    "session.abandoned" SessionAbandoned(session::Abandoned) "A session was found open after a crash and closed."
    "file.open" FileOpen(file::Opened) "A file was opened over SFTP or SCP; written before it is opened."
    "file.upload" FileUpload(file::Moved) "A file was written through SFTP or SCP."
    "file.download" FileDownload(file::Moved) "A file was read through SFTP or SCP."
    "file.list" FileList(file::Named) "A folder was listed."
    "file.stat" FileStat(file::Named) "A file's attributes or true path were asked for."
    "file.set_attributes" FileSetAttributes(file::Attributes) "A file's attributes were changed."
    "file.remove" FileRemove(file::Named) "A file was removed."
    "file.rename" FileRename(file::Linked) "A file was renamed."
    "file.create_folder" FileCreateFolder(file::Named) "A folder was created."
    "file.remove_folder" FileRemoveFolder(file::Named) "A folder was removed."
    "file.link" FileLink(file::Linked) "A symbolic or hard link was made."
    "file.extended" FileExtended(file::Extended) "An SFTP extension was used."
    "forward.open" ForwardOpen(forward::Opened) "A forwarded connection was opened, or tried."
    "forward.close" ForwardClose(forward::Closed) "A forwarded connection was closed."
    "forward.listen" ForwardListen(forward::Listen) "A remote listener was asked for or withdrawn."
    "forward.denied" ForwardDenied(forward::Denied) "A forward was refused."
    "recording.sealed" RecordingSealed(recording::Sealed) "A recording was completed; carries its root hash."
    "recording.truncated" RecordingTruncated(recording::Truncated) "A recording was cut short by a crash or a fault."
    "recording.viewed" RecordingViewed(recording::Viewed) "A recording was watched."
    "recording.exported" RecordingExported(recording::Exported) "A recording was exported."
    "audit.searched" AuditSearched(audit::Searched) "The log was searched or followed."
    "audit.queried" AuditQueried(audit::Queried) "The log was asked a question in SQL."
    "audit.exported" AuditExported(audit::Exported) "Part of the log was exported as evidence."
    "audit.proved" AuditProved(audit::Proved) "A proof for an event was asked for."
    "audit.verified" AuditVerified(audit::Verified) "The log was verified."
    "archive.verified" ArchiveVerified(archive::Verified) "The archive's objects were verified."
    "archive.rebuilt" ArchiveRebuilt(archive::Rebuilt) "Indexes of the archive were made anew from its data."
    "log.opened" LogOpened(log::Opened) "The log was opened; says what recovery found."
    "log.overload" LogOverload(log::Overload) "Writers were made to wait or refused because the log was behind."
    "log.full" LogFull(log::Full) "The disk is nearly full; new sessions and changes are refused."
    "log.clock_jump" LogClockJump(log::ClockJump) "The clock jumped."
    "log.rolled_back" LogRolledBack(log::RolledBack) "The log on disk was older than a checkpoint that it had published, and was opened on its keeper's order."
    "log.pruned" LogPruned(log::Pruned) "Old entries are about to be dropped; their leaves stay, so that every proof still holds."
    "kube.audit" KubeAudit(kube::Audit) "A Kubernetes API server reported a request; `detail` is its audit record as it came."
    "source.connected" SourceConnected(source::Connected) "A source began to report, or went on after a pause."
    "source.record" SourceRecord(source::Record) "A source reported a record of no kind that Lodge knows; `detail` is the record as it came."
    "source.rejected_record" SourceRejectedRecord(source::Rejected) "A source reported something that could not be taken as a record."
    "source.gap" SourceGap(source::Gap) "The log has less of a source than was once acknowledged."
}
