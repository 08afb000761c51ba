//! Checks `ws_fuzz::utf8`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(utf8);
