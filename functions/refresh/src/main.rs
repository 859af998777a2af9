//! The `refresh` function: a sweep, asked for by a person (API Gateway) or by the schedule (EventBridge).

mod event;

use std::{process::ExitCode, sync::Arc};

use emptyclassroom::{
    core::Service,
    events::{EventBridge, EventBus},
    http::refresh_routes,
    lambda,
};
use lambda_http::Adapter;
use lambda_runtime::{LambdaEvent, Service as _, service_fn};

use crate::event::Event;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::exit_code(serve().await)
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let core = lambda::start()?;
    let events: Option<Arc<dyn EventBus>> = match core.config.event_bus_name.clone() {
        Some(bus) => Some(Arc::new(EventBridge::new(bus).await)),
        None => None,
    };
    let service = Service::build(core, events)?;
    lambda::connect(&service.core).await;
    let http = Adapter::from(lambda::finish(refresh_routes(&service), &service.core));
    lambda_runtime::run(service_fn(move |LambdaEvent { payload, context }: LambdaEvent<Event>| {
        let (refresher, mut http) = (Arc::clone(&service.refresher), http.clone());
        async move {
            let response = match payload {
                Event::Schedule => serde_json::to_value(refresher.refresh_scheduled().await)?,
                Event::Http(request) => serde_json::to_value(http.call(LambdaEvent::new(*request, context)).await?)?,
            };
            Ok::<_, lambda_runtime::Error>(response)
        }
    }))
    .await
}
