//! Checks `ws_fuzz::mask`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(mask);
