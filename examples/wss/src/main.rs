//! Says something over `wss://`, and prints what comes back:
//! `cargo run -p wss -- [--ca FILE | --insecure] [--compress] URL MESSAGE...`.

#![forbid(unsafe_code)]

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::env;
use std::process::ExitCode;
use ws_embassy::compression::CompressionBuffers;
use ws_embassy::ws_core::deflate::Effort;
use ws_embassy::{CloseCode, Options, Plain};
use wss::{Trust, host};

const USAGE: &str = "usage: wss [--ca FILE | --insecure] [--compress] URL MESSAGE...

  --ca FILE    the certificate (PEM, ECDSA on P-256) that issued the server's own
  --insecure   believe anybody; whoever sits in between can read and change everything
  --compress   offer compression of messages (permessage-deflate)";

fn main() -> ExitCode {
    match say() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn say() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = env::args().skip(1).collect();
    let issuer;
    let trust = match args.first().map(String::as_str) {
        Some("--ca") if args.len() >= 2 => {
            let file = args.drain(..2).next_back().unwrap_or_default();
            issuer = CertificateDer::from_pem_file(&file).map_err(|error| format!("{file}: {error}"))?;
            Trust::Issuer(&issuer)
        }
        Some("--insecure") => {
            args.remove(0);
            Trust::Anybody
        }
        _ => return Err(USAGE.into()),
    };
    let is_compressed = args.first().is_some_and(|arg| arg == "--compress");
    if is_compressed {
        args.remove(0);
    }
    let [url, messages @ ..] = args.as_slice() else { return Err(USAGE.into()) };
    let session = async |ws: &mut host::TlsWebSocket<'_, '_>| {
        if is_compressed && !ws.is_compressed() {
            eprintln!("the server does not compress");
        }
        for message in messages {
            ws.send_text(message).await?;
            let mut answer = Vec::new();
            let mut buf = [0; 128];
            while let Some(chunk) = ws.read(&mut buf).await? {
                answer.extend_from_slice(chunk.payload);
                if chunk.last {
                    break;
                }
            }
            println!("{}", String::from_utf8_lossy(&answer));
        }
        ws.close(CloseCode::NORMAL, "").await
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    if is_compressed {
        // As a board would: 512 bytes of window each way.
        let mut buffers = CompressionBuffers::<512, 512, 128, 512, 1024>::new();
        let mut compression = buffers.compression(Effort::QUICK);
        runtime.block_on(host::run(url, trust, &Options::DEFAULT, &mut compression, session))?;
    } else {
        runtime.block_on(host::run(url, trust, &Options::DEFAULT, Plain, session))?;
    }
    Ok(())
}
