//! Checks `ws_fuzz::extension_params`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(extension_params);
