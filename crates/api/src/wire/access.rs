//! Roles, targets, locks, and why access is as it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A role, target or lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Resource {
    /// `role`, `target` or `lock`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is built in and cannot be changed.
    #[serde(default)]
    pub preset: bool,
    /// The resource as it was applied.
    #[schema(value_type = Object)]
    pub document: Value,
    /// The same as YAML, ready to be edited and applied.
    pub yaml: String,
}

/// What applying one resource did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// `role`, `target`, `lock` or `user`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `created`, `updated` or `unchanged`.
    pub change: String,
    /// The invite, when a user was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
}

/// A target that the caller may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReachableTarget {
    /// Its name, for `ssh LOGIN@NAME`.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Accounts that the caller may use there.
    pub logins: Vec<String>,
}

/// Why a user may or may not reach a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// Whether access would be allowed.
    pub allowed: bool,
    /// The whole reasoning, as data.
    #[schema(value_type = Object)]
    pub reasoning: Value,
    /// The same, to read.
    pub text: String,
}
