//! Checks `ws_fuzz::inflate`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(inflate);
