//! The `refresh` function: a sweep, requested by a client (API Gateway) or by the schedule (EventBridge).

mod event;
mod eventbridge;

use std::{error::Error, process::ExitCode, sync::Arc};

use emptyclassroom::{
    error_chain,
    lambda::{self, Gateway},
    outside::events::EventBus,
    service::Service,
    web::refresh_routes,
};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{event::Invocation, eventbridge::EventBridge};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lambda::exit_code(serve().await)
}

async fn serve() -> Result<(), lambda_runtime::Error> {
    let deps = lambda::start().await?;
    let bus = deps.config.event_bus_name.clone();
    let events = bus.map(|bus| Arc::new(EventBridge::new(bus)) as Arc<dyn EventBus>);
    let service = Service::build(deps, events)?;
    let gateway = Gateway::new(refresh_routes(&service), &service.deps);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Invocation>| {
        let (service, gateway) = (service.clone(), gateway.clone());
        async move {
            let outcome = respond(&service, &gateway, event.payload).await;
            lambda::report(&service.deps);
            outcome
        }
    }))
    .await
}

/// Returns the response for the client, or the result of the scheduled refresh. If that fails, so does the invocation: Lambda
/// retries it and, if it fails for good, keeps it for the operator.
async fn respond(service: &Service, gateway: &Gateway, event: Invocation) -> Result<Value, Diagnostic> {
    let outcome = match event {
        Invocation::Schedule => {
            let scheduled = service.refresher.refresh_scheduled().await;
            serde_json::to_value(scheduled.map_err(|error| failure(&error))?)
        }
        Invocation::Client(request) => {
            let answered = gateway.answer(*request).await;
            serde_json::to_value(answered.map_err(|error| failure(error.as_ref()))?)
        }
    };
    outcome.map_err(|error| failure(&error))
}

/// Returns what Lambda records about a failed invocation.
fn failure(error: &dyn Error) -> Diagnostic {
    Diagnostic { error_type: "RefreshFailed".to_owned(), error_message: error_chain(error) }
}
