//! The core's tests on the target itself: a Cortex-M0 with 16 KiB of RAM, which faults on every unaligned access. What is
//! here: the list of the tests, and what runs it. Each test prints a line; the exit code is 0 if all passed.

#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod closing;
mod fault;
mod opening;
mod stack;
mod traffic;
mod violations;
mod wire;

use core::panic::PanicInfo;
use cortex_m_rt::entry;
use semihosting::{print, println, process};

/// Passed, or what did not hold.
type Outcome = Result<(), Failure>;

/// What did not hold, and where.
struct Failure {
    what: &'static str,
    file: &'static str,
    line: u32,
}

/// Ends a test that failed, with what did not hold.
macro_rules! check {
    ($what:expr) => {
        if !$what {
            return Err($crate::Failure { what: stringify!($what), file: file!(), line: line!() });
        }
    };
}
pub(crate) use check;

/// A name, and what is done.
type Test = (&'static str, fn() -> Outcome);

const TESTS: &[Test] = &[
    ("the accept value of RFC 6455 1.3", opening::sample),
    ("a handshake at every split", opening::splits),
    ("a handshake through outputs of every size", opening::outputs),
    ("requests that are refused", opening::refused),
    ("a wrong accept value", opening::wrong_accept),
    ("an echo at every length, split and output", traffic::echo),
    ("unmasking at every alignment and phase", traffic::alignments),
    ("copying from every alignment to every other", traffic::copies),
    ("text at every split", traffic::text),
    ("text that is none, at every byte", traffic::bad_text),
    ("fragments, and a ping between them", traffic::fragments),
    ("a message of 70,000 bytes through 64", traffic::large),
    ("one message into a buffer, another too long for it", traffic::buffer),
    ("the server talks to a client", traffic::pair),
    ("pings at every split and output", closing::pings),
    ("a second ping waits for the pong to the first", closing::flood),
    ("every close code", closing::codes),
    ("the closing handshake from either side", closing::handshake),
    ("the end of the transport", closing::eof),
    ("heartbeat and deadlines", closing::deadlines),
    ("violations at every split", violations::all),
    #[cfg(feature = "planted-failure")]
    ("a planted failure", || {
        check!(1 + 1 == 3);
        Ok(())
    }),
    #[cfg(feature = "planted-fault")]
    ("an unaligned access", fault::read_unaligned_word),
    #[cfg(feature = "planted-panic")]
    ("a planted panic", || panic!("planted")),
];

#[entry]
fn main() -> ! {
    let mut failed = 0;
    for (name, test) in TESTS {
        match test() {
            Ok(()) => println!("ok    {name}"),
            Err(Failure { what, file, line }) => {
                println!("FAIL  {name}: {what} ({file}:{line})");
                failed += 1;
            }
        }
    }
    println!("stack: {} of {} bytes used", stack::used(), stack::size());
    print!("{} passed", TESTS.len() - failed);
    if failed > 0 {
        print!(", {failed} failed");
    }
    println!();
    process::exit(i32::from(failed > 0))
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("{info}");
    process::exit(101)
}
