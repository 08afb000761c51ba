//! Checks `ws_fuzz::http_exchange`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(http_exchange);
