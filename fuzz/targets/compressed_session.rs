//! Checks `ws_fuzz::compressed_session`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(compressed_session);
