//! Sources: what other systems report, made into events.
#![forbid(unsafe_code)]
