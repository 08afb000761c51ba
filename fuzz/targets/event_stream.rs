//! Checks `ws_fuzz::event_stream`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(event_stream);
