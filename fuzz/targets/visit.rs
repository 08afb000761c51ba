//! Checks `ws_fuzz::visit`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(visit);
