//! The `refresh` function: a sweep, asked for by a person (API Gateway) or by the schedule (EventBridge).

mod event;

use std::{process::ExitCode, sync::Arc};

use emptyclassroom::{
    core::Service,
    events::{EventBridge, EventBus},
    http::refresh_routes,
    lambda::{self, Gateway},
};
use lambda_runtime::{LambdaEvent, service_fn};

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
    let gateway = Gateway::new(refresh_routes(&service), &service.core);
    lambda_runtime::run(service_fn(move |LambdaEvent { payload, context }: LambdaEvent<Event>| {
        let (service, gateway) = (service.clone(), gateway.clone());
        async move {
            let outcome = match payload {
                Event::Schedule => serde_json::to_value(service.refresher.refresh_scheduled().await)?,
                Event::Client(request) => {
                    serde_json::to_value(gateway.answer(LambdaEvent::new(*request, context)).await?)?
                }
            };
            lambda::report(&service.core);
            Ok::<_, lambda_runtime::Error>(outcome)
        }
    }))
    .await
}
