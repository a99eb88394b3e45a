//! What Kubernetes API servers report.

records! {
    /// An audit record: `Event` of `audit.k8s.io/v1`, as the Kubernetes API reference describes it.
    Audit {
        "verb": Option<String> = "What was asked for: `get`, `list`, `create`, `delete`, …",
        "requestURI": Option<String> = "Path and query of the request.",
        "objectRef": Option<serde_json::Value> = "Object that it was about: `resource`, `namespace`, `name`, `subresource`, `apiGroup`.",
        "user": Option<serde_json::Value> = "Who was authenticated: `username`, `groups`, `extra`.",
        "impersonatedUser": Option<serde_json::Value> = "Whom the user acted as.",
        "sourceIPs": Option<Vec<String>> = "Addresses from which the request came, the client's first.",
        "userAgent": Option<String> = "Program that the client says it is.",
        "responseStatus": Option<serde_json::Value> = "How it ended: `code`, `message`, `reason`.",
        "requestObject": Option<serde_json::Value> = "Object in the request, at level `Request` and above.",
        "responseObject": Option<serde_json::Value> = "Object in the answer, at level `RequestResponse`.",
        "level": Option<String> = "How much the audit policy keeps of such requests.",
        "stage": Option<String> = "Stage of the request at which the record was made.",
        "auditID": Option<String> = "Id of the request, the same at every stage.",
        "requestReceivedTimestamp": Option<crate::Timestamp> = "When the API server received the request.",
        "stageTimestamp": Option<crate::Timestamp> = "When the stage was reached.",
        "annotations": Option<std::collections::BTreeMap<String, String>> = "What plug-ins noted, the authoriser's decision and reason among it.",
    }
}
