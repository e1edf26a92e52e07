//! A web server on hyper: a greeting, and what is sent to `/echo` comes back while it arrives.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, hyper::Error>;

fn text(content: &'static str) -> Body {
    Full::from(content).map_err(|never: Infallible| match never {}).boxed()
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => (StatusCode::OK, text("Hello from hyper.\n")),
        (&Method::POST, "/echo") => (StatusCode::OK, request.into_body().boxed()),
        _ => (StatusCode::NOT_FOUND, text("There is no such thing.\n")),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    Ok(response)
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:80").await?;
    println!("listening at {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            if let Err(error) = connection.await {
                eprintln!("a connection failed: {error}");
            }
        });
    }
}
