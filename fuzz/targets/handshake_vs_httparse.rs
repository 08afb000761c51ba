//! Checks `ws_fuzz::handshake_vs_httparse`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(handshake_vs_httparse);
