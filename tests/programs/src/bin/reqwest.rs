//! reqwest's README: `reqwest URL`. Who is trusted stands in `SSL_CERT_FILE`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: reqwest URL")?;
    let response = reqwest::get(url).await?;
    println!("{:?} {}", response.version(), response.status());
    print!("{}", response.text().await?);
    Ok(())
}
