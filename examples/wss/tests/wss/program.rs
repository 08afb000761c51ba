//! The program itself, with a certificate in a file.

use crate::server::{ALONE, Authority, echo, start, start_with};
use std::path::Path;
use std::process::{Command, Output};
use ws_std::Compression;

fn wss(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wss")).args(args).output().expect("the program runs")
}

#[test]
fn messages_are_sent_and_their_answers_printed() {
    let (authority, other) = (Authority::new(), Authority::new());
    let file = |name: &str, authority: &Authority| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, authority.pem()).expect("a file");
        path.into_os_string().into_string().expect("a path in UTF-8")
    };
    let (issuer, stranger) = (file("issuer.pem", &authority), file("stranger.pem", &other));
    let serve = || {
        let (port, server) = start(authority.issue("localhost").config(ALONE), echo);
        (format!("wss://localhost:{port}/"), server)
    };
    for believe in [&["--ca", &issuer][..], &["--insecure"]] {
        let (url, server) = serve();
        let output = wss(&[believe, &[&url, "hello", "there"]].concat());
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\nthere\n", "{output:?}");
        assert!(output.status.success() && output.stderr.is_empty());
        server.join().unwrap().unwrap();
    }
    let (url, server) = serve();
    let output = wss(&["--ca", &stranger, &url, "hello"]);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("not trusted"), "{output:?}");
    assert!(server.join().unwrap().is_err());
}

#[test]
fn compression_is_offered_only_by_a_client_that_is_told_to() {
    let text = "so much of a muchness ".repeat(100);
    for flags in [&["--insecure", "--compress"][..], &["--insecure"]] {
        let config = Authority::new().issue("localhost").config(ALONE);
        let (port, server) = start_with(config, Some(Compression::DEFAULT), |mut ws| {
            let agreed = ws.extensions().to_owned();
            ws.read()?.expect("a message");
            ws.send_text(&agreed)?;
            echo(ws)
        });
        let url = format!("wss://localhost:{port}/");
        let output = wss(&[flags, &[&url, &text, &text]].concat());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let printed = String::from_utf8_lossy(&output.stdout);
        let (agreed, back) = printed.split_once('\n').expect("two lines");
        assert_eq!(agreed.starts_with("permessage-deflate;"), flags.len() == 2, "{agreed}");
        assert!(agreed.is_empty() || agreed.contains("server_max_window_bits=9;"), "{agreed}");
        assert_eq!(back, format!("{text}\n"));
        server.join().unwrap().unwrap();
    }
}

#[test]
fn nobody_is_believed_by_default() {
    for args in [&["wss://localhost:1/", "hello"][..], &[], &["--ca"], &["--insecure"], &["--compress"]] {
        let output = wss(args);
        assert!(!output.status.success(), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: "), "{args:?}");
    }
}
