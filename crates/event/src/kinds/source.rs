//! Sources: other systems whose records are taken.

records! {
    /// A record of no kind that is known.
    Record {}
}

details! {
    /// A connection of a source.
    Connected {
        /// File that is read, by its name where it lies.
        file: String,
        /// Identity of the file, made of its content.
        identity: String,
        /// Byte of the file from which it is taken.
        from: u64,
        /// Whether part of it had been taken before.
        resumed: bool,
    }
    /// Something that could not be taken as a record.
    Rejected {
        /// File in which it stands.
        file: String,
        /// Its line, counted from 1.
        line: u64,
        /// Byte of the file at which the line begins.
        offset: u64,
        /// Length of the line in bytes.
        bytes: u64,
        /// Why it could not be taken.
        cause: String,
        /// Its first 200 bytes; what is not UTF-8 is replaced by U+FFFD.
        beginning: String,
    }
    /// A loss.
    Gap {
        /// File that was read, by its name where it lay.
        file: String,
        /// Identity of the file.
        identity: String,
        /// Byte of the file up to which the log has it.
        logged: u64,
        /// Byte of the file up to which it was acknowledged.
        acknowledged: u64,
    }
}
