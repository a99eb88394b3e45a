//! One part, growing and sealed, against what a slow reader sees in the same entries.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod agreement;
mod copies;
mod damage;
mod fixture;
mod outsiders;
mod shapes;
mod visiting;
