//! Checks `ws_fuzz::frames_compressed`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(frames_compressed);
