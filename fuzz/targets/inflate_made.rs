//! Checks `ws_fuzz::inflate_made`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(inflate_made);
