//! Files moved or touched through SFTP and SCP.

details! {
    /// A file that was opened.
    Opened {
        /// Path, as the client named it.
        path: String,
        /// Protocol: `sftp` or `scp`.
        protocol: String,
        /// How it was opened: `read`, `write`, `create`, `truncate`, `append`, `exclusive`.
        flags: Vec<String>,
    }
    /// A file whose content moved.
    Moved {
        /// Path, as the client named it.
        path: String,
        /// Protocol: `sftp` or `scp`.
        protocol: String,
        /// `upload` or `download`.
        direction: String,
        /// Bytes that moved.
        bytes: u64,
        /// SHA-256 of the bytes that moved, in hexadecimal, in file order; absent when they did not move in order.
        sha256: Option<String>,
        /// Whether the bytes began at offset 0 and had no gap.
        contiguous: bool,
    }
    /// A file or folder that an operation named.
    Named {
        /// Path, as the client named it.
        path: String,
        /// The operation, as the protocol names it.
        operation: String,
    }
    /// A file whose attributes were changed.
    Attributes {
        /// Path, as the client named it.
        path: String,
        /// The attributes: `size`, `uid`, `gid`, `permissions` (octal), `atime`, `mtime`.
        attributes: std::collections::BTreeMap<String, String>,
    }
    /// An operation with two paths.
    Linked {
        /// The path that exists.
        path: String,
        /// The new path.
        new_path: String,
        /// The operation, as the protocol names it.
        operation: String,
    }
    /// An extension of the protocol.
    Extended {
        /// Its name.
        name: String,
        /// Path, where the extension is known to name one.
        path: Option<String>,
        /// Bytes of the request.
        bytes: u64,
    }
}
