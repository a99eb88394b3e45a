//! Certificate authorities and their rotation.

details! {
    /// A certificate authority's new key.
    Authority {
        /// `user`, `host`, `gate` or `x509`.
        authority: String,
        /// Fingerprint of its key, `SHA256:…`.
        public_key: String,
    }
    /// A step of a rotation.
    Rotated {
        /// `user`, `host`, `gate` or `x509`.
        authority: String,
        /// `overlap`: the new key signs and both are trusted; `complete`: the old key is withdrawn.
        phase: String,
        /// Fingerprint of the key that signs now.
        signing: String,
        /// Fingerprints of all keys that are trusted now.
        trusted: Vec<String>,
    }
}
