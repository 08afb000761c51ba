//! Flash's policy file: no HTTP, and no event.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    push::policy();
}
