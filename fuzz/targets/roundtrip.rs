//! Checks `ws_fuzz::roundtrip`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(roundtrip);
