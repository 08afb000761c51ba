//! Checks `ws_fuzz::frames_server`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(frames_server);
