//! The routes of each function. The local server mounts all of them.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    buildings, classroom, cooldown_status, documentation, health, hello,
    hints::hinted,
    last_updated, open_classrooms, pages,
    query::{DAY_PARAMETERS, REFRESH_PARAMETERS, ROOMS_PARAMETERS, SEEN_PARAMETER},
    refresh,
};
use crate::service::{Dependencies, Service};

/// Defines the router of each function and, for `make openapi`, the descriptions of its handlers in the same order. `takes` has
/// the handler's `operation_id`, which is the route's anchor on the page `/docs`, and the query parameters that the route knows.
/// Responses hint at all others.
macro_rules! routes {
    (@ $handler:path) => { $handler };
    (@ $handler:path, $path:literal, $operation:literal, $known:expr) => {
        hinted($handler, $path, $operation, $known)
    };
    ($($function:literal {
        $(#[$about:meta])* $router:ident($state:ident: $type:ty):
        $(
            $path:literal $method:ident($($handler:ident)::+)$(.with_state($own:expr))?
                $(takes($operation:literal, $known:expr))?
        )+
    })+) => {
        $(
            $(#[$about])*
            pub fn $router($state: &$type) -> Router {
                Router::new()
                    $(.route(
                        $path,
                        $method(routes!(@ $($handler)::+ $(, $path, $operation, $known)?))$(.with_state($own))?,
                    ))+
                    .with_state($state.clone())
            }
        )+

        #[cfg(feature = "openapi")]
        pub(super) fn described() -> Vec<(&'static str, utoipa::openapi::OpenApi)> {
            vec![$({
                #[derive(utoipa::OpenApi)]
                #[openapi(paths($($($handler)::+),+))]
                struct Function;
                ($function, <Function as utoipa::OpenApi>::openapi())
            }),+]
        }
    };
}

routes! {
    "read" {
        /// The routes of the `read` function.
        read_routes(service: Service):
        "/api/open-classrooms" get(open_classrooms::open_classrooms) takes("openClassrooms", ROOMS_PARAMETERS)
        "/api/classrooms/{id}" get(classroom::classroom) takes("classroom", DAY_PARAMETERS)
        "/api/classrooms/{id}/days" get(classroom::days) takes("classroomDays", SEEN_PARAMETER)
        "/api/classrooms/{id}/calendar.ics" get(classroom::calendar) takes("calendar", SEEN_PARAMETER)
        "/api/buildings" get(buildings::buildings) takes("buildings", SEEN_PARAMETER)
        "/api/last-updated" get(last_updated::last_updated) takes("lastUpdated", SEEN_PARAMETER)
        "/api/health" get(health::health)
        "/" get(hello::hello)
        "/app" get(pages::app).with_state(pages::AppPage::of(service))
        "/app/" get(pages::slash)
        "/app/rooms/{id}" get(pages::room)
        "/app/{file}" get(pages::file)
        "/favicon.ico" get(pages::favicon)
        "/robots.txt" get(pages::robots)
        "/docs" get(pages::docs)
        "/openapi.json" get(documentation::openapi).with_state(documentation::Document::of(service))
    }
    "refresh" {
        /// The routes of the `refresh` function.
        refresh_routes(service: Service):
        "/api/refresh" post(refresh::refresh) takes("refresh", REFRESH_PARAMETERS)
    }
    "cooldown-status" {
        /// The routes of the `cooldown-status` function.
        cooldown_routes(deps: Arc<Dependencies>):
        "/api/cooldown-status" get(cooldown_status::cooldown_status) takes("cooldownStatus", SEEN_PARAMETER)
    }
}
