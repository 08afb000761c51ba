//! Checks `ws_fuzz::sse`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(sse);
