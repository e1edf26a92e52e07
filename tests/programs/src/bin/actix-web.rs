//! actix-web's README, on every address of the machine.

use actix_web::{App, HttpServer, Responder, get, web};

#[get("/hello/{name}")]
async fn greet(name: web::Path<String>) -> impl Responder {
    format!("Hello {name}!")
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().service(greet)).bind(("0.0.0.0", 8080))?.run().await
}
