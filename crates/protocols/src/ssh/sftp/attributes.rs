//! A file's attributes as requests carry them (draft, section 5), as text for events.

use std::collections::BTreeMap;

use super::SftpError;
use super::wire::Fields;

const SIZE: u32 = 0x0000_0001;
const OWNER: u32 = 0x0000_0002;
const PERMISSIONS: u32 = 0x0000_0004;
const TIMES: u32 = 0x0000_0008;
const EXTENDED: u32 = 0x8000_0000;
const KNOWN: u32 = SIZE | OWNER | PERMISSIONS | TIMES | EXTENDED;

/// Reads attributes. Times are seconds since 1970, permissions octal.
pub(super) fn attributes(fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, SftpError> {
    let flags = fields.u32("attribute flags")?;
    if flags & !KNOWN != 0 {
        return Err(fields.malformed("attribute flags"));
    }
    let mut named = BTreeMap::new();
    let mut set = |name: &str, value: String| named.insert(name.to_owned(), value);
    if flags & SIZE != 0 {
        set("size", fields.u64("size")?.to_string());
    }
    if flags & OWNER != 0 {
        set("uid", fields.u32("uid")?.to_string());
        set("gid", fields.u32("gid")?.to_string());
    }
    if flags & PERMISSIONS != 0 {
        set("permissions", format!("{:04o}", fields.u32("permissions")? & 0o7777));
    }
    if flags & TIMES != 0 {
        set("atime", fields.u32("atime")?.to_string());
        set("mtime", fields.u32("mtime")?.to_string());
    }
    Ok(named)
}
