//! The routes of each function. The local server mounts all of them.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    buildings, classroom, cooldown_status, documentation, health, hello, last_updated, open_classrooms, pages, refresh,
};
use crate::service::{Dependencies, Service};

/// The router of each function and, for `make openapi`, the descriptions of its handlers in the same order.
macro_rules! routes {
    ($($function:literal {
        $(#[$about:meta])* $router:ident($state:ident: $type:ty):
        $($path:literal $method:ident($($handler:ident)::+)$(.with_state($own:expr))?)+
    })+) => {
        $(
            $(#[$about])*
            pub fn $router($state: &$type) -> Router {
                Router::new()$(.route($path, $method($($handler)::+)$(.with_state($own))?))+.with_state($state.clone())
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
        "/api/open-classrooms" get(open_classrooms::open_classrooms)
        "/api/classrooms/{id}" get(classroom::classroom)
        "/api/classrooms/{id}/days" get(classroom::days)
        "/api/classrooms/{id}/calendar.ics" get(classroom::calendar)
        "/api/buildings" get(buildings::buildings)
        "/api/last-updated" get(last_updated::last_updated)
        "/api/health" get(health::health)
        "/" get(hello::hello)
        "/app" get(pages::app)
        "/docs" get(pages::docs)
        "/openapi.json" get(documentation::openapi).with_state(documentation::Document::of(service))
    }
    "refresh" {
        /// The routes of the `refresh` function.
        refresh_routes(service: Service):
        "/api/refresh" post(refresh::refresh)
    }
    "cooldown-status" {
        /// The routes of the `cooldown-status` function.
        cooldown_routes(deps: Arc<Dependencies>):
        "/api/cooldown-status" get(cooldown_status::cooldown_status)
    }
}
