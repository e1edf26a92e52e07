//! mini-redis' own server on every address of the machine: the published program listens at 127.0.0.1 only.

use mini_redis::{DEFAULT_PORT, server};
use tokio::net::TcpListener;
use tokio::signal;

#[tokio::main]
async fn main() -> mini_redis::Result<()> {
    let listener = TcpListener::bind(&format!("0.0.0.0:{DEFAULT_PORT}")).await?;
    server::run(listener, signal::ctrl_c()).await
}
