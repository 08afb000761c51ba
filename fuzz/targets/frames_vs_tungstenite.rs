//! Checks `ws_fuzz::frames_vs_tungstenite`.

#![cfg_attr(fuzzing, no_main)]
ws_fuzz::target!(frames_vs_tungstenite);
