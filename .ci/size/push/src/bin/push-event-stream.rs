//! A client that listens to Server-Sent Events, behind the head of the response.

#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn _start() {
    push::listen_to_events();
}
