//! Checks `ws_fuzz::accept_key`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(accept_key);
