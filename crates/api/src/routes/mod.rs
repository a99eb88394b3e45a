//! The routes. One file a resource; one line a handler here. The OpenAPI document is made from the same list.

mod access;
mod answering;
mod archive;
mod authorities;
mod console;
mod events;
mod ingest;
mod invites;
mod log;
mod login;
mod recordings;
mod remote_files;
mod resources;
mod screens;
mod search;
mod sessions;
#[cfg(feature = "sql")]
mod sql_answer;
mod statements;
mod status;
mod terminals;
mod users;
mod watching;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::console::page as console_page;
use crate::limits::{self, Limits};
use crate::{MAX_BODY_BYTES, Problem, Services};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lodge",
        description = "The gate and the record. Callers show the TLS client certificate that a login gave them.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, search::WhichFirst))
)]
struct Document;

/// Makes the router of the whole API.
pub fn router(services: Arc<Services>, requests_per_second: u32) -> Router {
    let limits = Limits::new(requests_per_second, services.ambient.clone());
    let (router, _) = assembled().split_for_parts();
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(limits, limits::apply))
        .with_state(services)
}

/// Returns the OpenAPI document of the whole API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = assembled().split_for_parts().1;
    // The router writes a rest of a path as `{*path}`; OpenAPI knows `{path}` only.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    document
}

fn assembled() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status::trust))
        .routes(routes!(status::status))
        .routes(routes!(status::openapi))
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(console::login))
        .routes(routes!(console::session))
        .routes(routes!(console::logout))
        .routes(routes!(terminals::open))
        .routes(routes!(remote_files::list))
        .routes(routes!(remote_files::read, remote_files::write))
        .routes(routes!(invites::begin))
        .routes(routes!(invites::finish))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::read, users::update, users::delete))
        .routes(routes!(users::reset))
        .routes(routes!(resources::apply))
        .routes(routes!(access::reachable))
        .routes(routes!(access::explain))
        .routes(routes!(resources::list))
        .routes(routes!(resources::read, resources::delete))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::read, sessions::kill))
        .routes(routes!(watching::watch))
        .routes(routes!(screens::search))
        .routes(routes!(recordings::read))
        .routes(routes!(recordings::watch))
        .routes(routes!(recordings::export))
        .routes(routes!(search::search))
        .routes(routes!(search::count))
        .routes(routes!(search::histogram))
        .routes(routes!(search::top))
        .routes(routes!(search::values))
        .routes(routes!(search::around))
        .routes(routes!(statements::run))
        .routes(routes!(events::tail))
        .routes(routes!(events::show))
        .routes(routes!(events::prove))
        .routes(routes!(log::checkpoint))
        .routes(routes!(log::resource))
        .routes(routes!(log::export))
        .routes(routes!(log::verify))
        .routes(routes!(ingest::holdings))
        .routes(routes!(ingest::take))
        .routes(routes!(archive::status))
        .routes(routes!(archive::verify))
        .routes(routes!(archive::rebuild))
        .routes(routes!(authorities::list))
        .routes(routes!(authorities::rotate))
        .routes(routes!(authorities::sign_host))
}

/// What is not of the API is a page of the console.
async fn no_such_route(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if matches!(method, Method::GET | Method::HEAD) && !uri.path().starts_with("/v1/") {
        return console_page(uri.path(), &headers);
    }
    let detail = format!("there is no {method} {}; /v1/openapi.json lists what there is", uri.path());
    Problem::not_found(detail).into_response()
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    Problem::new(status, "method", format!("{} does not take {method}", uri.path()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Clients that are made from the document name their functions after the operations.
    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let document = serde_json::to_value(openapi()).expect("the document is JSON");
        let mut known = BTreeMap::new();
        for (path, methods) in document["paths"].as_object().expect("there are paths") {
            for (method, operation) in methods.as_object().expect("a path has methods") {
                let route = format!("{method} {path}");
                let id = operation["operationId"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{route} has no operation id"));
                if let Some(other) = known.insert(id.to_owned(), route.clone()) {
                    panic!("{route} and {other} are both called {id}: give one another `operation_id`");
                }
            }
        }
        assert!(known.len() > 50, "{known:?}");
    }
}
