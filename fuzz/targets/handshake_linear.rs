//! Checks `ws_fuzz::handshake_linear`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(handshake_linear);
