//! hyper's guide "Getting started with a server", with echo from the next chapter, over HTTP/1 and HTTP/2.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

async fn answer(request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
    let body = match (request.method(), request.uri().path()) {
        (&Method::POST, "/echo") => request.into_body().boxed(),
        _ => Full::new(Bytes::from("Hello, World!")).map_err(|never| match never {}).boxed(),
    };
    Ok(Response::new(body))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", 3000)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            if let Err(error) = server.serve_connection(TokioIo::new(stream), service_fn(answer)).await {
                eprintln!("Error serving connection: {error:?}");
            }
        });
    }
}
