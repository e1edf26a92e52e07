//! HTTP/3: h3's example server on quinn, `quinn CERTIFICATES KEY FOLDER`; it sends the folder's files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use h3_quinn::quinn;
use http::{Response, StatusCode};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn serve(incoming: quinn::Incoming, root: PathBuf) -> Result<()> {
    let connection = h3_quinn::Connection::new(incoming.await?);
    let mut connection = h3::server::Connection::<_, Bytes>::new(connection).await?;
    while let Some(resolver) = connection.accept().await? {
        let root = root.clone();
        tokio::spawn(async move {
            let (request, mut stream) = resolver.resolve_request().await?;
            let name = Path::new(request.uri().path()).file_name().unwrap_or_default();
            let (status, body) = match tokio::fs::read(root.join(name)).await {
                Ok(content) => (StatusCode::OK, content),
                Err(_) => (StatusCode::NOT_FOUND, Vec::new()),
            };
            stream.send_response(Response::builder().status(status).body(())?).await?;
            stream.send_data(Bytes::from(body)).await?;
            Result::Ok(stream.finish().await?)
        });
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [certificates, key, root] = &args[..] else {
        return Err("usage: quinn CERTIFICATES KEY FOLDER".into());
    };
    let certificates = CertificateDer::pem_file_iter(certificates)?.collect::<std::result::Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut tls =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key)?;
    tls.alpn_protocols = vec![b"h3".into()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = quinn::Endpoint::server(config, "0.0.0.0:443".parse()?)?;
    println!("listening at {}", endpoint.local_addr()?);
    while let Some(incoming) = endpoint.accept().await {
        let root = PathBuf::from(root);
        tokio::spawn(async move {
            if let Err(error) = serve(incoming, root).await {
                eprintln!("connection ended: {error}");
            }
        });
    }
    Ok(())
}
