//! `serve-hyper`: what port 80 of `serve` does, with hyper on tokio's runtime. `serving` is printed when the port is open.
#![expect(clippy::print_stdout, reason = "the report")]

use std::convert::Infallible;
use std::net::Ipv4Addr;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    bench_programs::set_up_bare_linux();
    bench_programs::network::set_up_bare_linux().expect("the network card is there");
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).await.expect("the port is free");
    println!("serving");
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            // A peer that is gone is no matter.
            let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"Hello, world!\n"))))
}
