//! Checks `ws_fuzz::lossy_pair`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(lossy_pair);
