//! ureq's documentation: `ureq URL`. Who is trusted stands in `SSL_CERT_FILE`.

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: ureq URL")?;
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent: Agent = Agent::config_builder().tls_config(tls).build().into();
    let mut response = agent.get(&url).call()?;
    println!("{:?} {}", response.version(), response.status());
    print!("{}", response.body_mut().read_to_string()?);
    Ok(())
}
