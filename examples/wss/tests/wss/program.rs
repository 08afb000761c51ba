//! The program itself, with a certificate in a file.

use crate::server::{ALONE, Authority, echo, start};
use std::path::Path;
use std::process::{Command, Output};

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
fn nobody_is_believed_by_default() {
    for args in [&["wss://localhost:1/", "hello"][..], &[], &["--ca"], &["--insecure"]] {
        let output = wss(args);
        assert!(!output.status.success(), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: "), "{args:?}");
    }
}
