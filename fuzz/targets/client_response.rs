//! Checks `ws_fuzz::client_response`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(client_response);
