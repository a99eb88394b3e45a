//! Certificates: signed and refused.

details! {
    /// A signed certificate.
    Issued {
        /// `ssh_user`, `ssh_host`, `ssh_gate` or `x509_client`, `x509_server`.
        usage: String,
        /// Serial number, in hexadecimal.
        serial: String,
        /// Key id or subject.
        key_id: String,
        /// Principals or subject alternative names.
        principals: Vec<String>,
        /// Fingerprint of the certified key, `SHA256:…`.
        public_key: String,
        /// Fingerprint of the authority's key, `SHA256:…`.
        authority: String,
        /// First instant of validity.
        valid_after: crate::Timestamp,
        /// Last instant of validity.
        valid_before: crate::Timestamp,
        /// Login that it belongs to.
        login: Option<crate::SessionId>,
    }
    /// A certificate that was presented and refused.
    Refused {
        /// `ssh_user`, `x509_client`.
        usage: String,
        /// Serial number, in hexadecimal, where it could be read.
        serial: Option<String>,
        /// Key id or subject, where it could be read; not verified.
        key_id: Option<String>,
        /// Fingerprint of the key, `SHA256:…`.
        public_key: Option<String>,
    }
}
