//! Checks `ws_fuzz::frames_client`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(frames_client);
