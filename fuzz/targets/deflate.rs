//! Checks `ws_fuzz::deflate`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(deflate);
