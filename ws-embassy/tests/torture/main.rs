//! Each call of a transport fails, in turn and in every way, under each kind of conversation over `ws_embassy::io`; and each packet of
//! a conversation with a server is lost, late, cut, damaged, or followed by silence or a reset. Nothing panics; all ends within its
//! deadlines, in a typed error or in peace; what was handed out is whole, as far as it goes; what has failed is not called again; and nothing
//! stays taken. What is no failure changes nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `calls.rs` | which faults of calls there are, and what holds of each |
//! | `wire.rs` | the transport, on which calls fail, and its peer |
//! | `stage.rs` | one run of a conversation over it, and what is left of it |
//! | `talks.rs` | the conversations |
//! | `packets.rs` | conversations with a server, and what becomes of their packets |
//! | `bench.rs` | the server, its clients, and who sees that all is free again |
//!
//! Not here: futures that are dropped, in `../io`; clients that dawdle or vanish at chosen moments, in `../server` and `../push`.

#[path = "../common/mod.rs"]
mod common;

mod bench;
mod calls;
mod packets;
mod stage;
mod talks;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::thread;

/// Threads that share the work of a test.
const THREADS: usize = 2;

/// Does jobs. The first that fails is named, and ends all.
fn in_threads<J: Send>(jobs: Vec<J>, name: impl Fn(&J) -> String + Sync, work: impl Fn(&J) + Sync) {
    let jobs = Mutex::new(jobs);
    let lane = || {
        loop {
            let Some(job) = jobs.lock().unwrap().pop() else { return };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&job))) {
                jobs.lock().unwrap().clear();
                let name = catch_unwind(AssertUnwindSafe(|| name(&job)));
                eprintln!("at {}", name.unwrap_or_default());
                resume_unwind(panic);
            }
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(lane))));
}
