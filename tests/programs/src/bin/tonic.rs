//! gRPC: the standard health service from tonic-health, as its README starts it.

use tonic::transport::Server;
use tonic_health::ServingStatus;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("caracal", ServingStatus::Serving).await;
    Server::builder().add_service(service).serve("0.0.0.0:50051".parse()?).await?;
    Ok(())
}
