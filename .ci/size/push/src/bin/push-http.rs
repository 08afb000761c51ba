//! HTTP alone: one answer to all.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    push::serve(&mut push::hello);
}
