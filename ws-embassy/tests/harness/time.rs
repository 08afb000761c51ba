//! The virtual clock and the executor.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use embassy_futures::yield_now;
use embassy_time::{Duration, Instant, Timer, with_timeout};

use crate::common::Net;

#[test]
fn time_starts_at_zero_and_passes_only_when_nothing_can_be_done() {
    let net = Net::new(1);
    let start = std::time::Instant::now();
    net.run(async {
        assert_eq!(Instant::now(), Instant::from_ticks(0));
        for _ in 0..1000 {
            yield_now().await;
        }
        assert_eq!(Instant::now(), Instant::from_ticks(0));
        Timer::after_secs(600).await;
        assert_eq!(Instant::now(), Instant::from_secs(600));
    });
    assert!(start.elapsed() < std::time::Duration::from_secs(300), "ten minutes were slept through");
}

#[test]
fn timers_fire_in_their_order_whatever_the_order_of_asking() {
    let net = Net::new(1);
    let fired = Rc::<RefCell<Vec<u64>>>::default();
    for seconds in [3, 1, 2, 5, 4, 2] {
        let fired = fired.clone();
        net.spawn(async move {
            Timer::after_secs(seconds).await;
            assert_eq!(Instant::now().as_secs(), seconds);
            fired.borrow_mut().push(seconds);
        });
    }
    net.run(Timer::after_millis(4500));
    assert_eq!(*fired.borrow(), [1, 2, 2, 3, 4]);
    net.run(Timer::after_secs(1));
    assert_eq!(*fired.borrow(), [1, 2, 2, 3, 4, 5], "tasks go on from one call to the next");
}

#[test]
fn several_timers_of_one_task_all_fire() {
    let net = Net::new(1);
    net.run(async {
        let inner = with_timeout(Duration::from_secs(1), pending::<()>());
        assert!(with_timeout(Duration::from_secs(2), inner).await.is_ok_and(|inner| inner.is_err()));
        assert_eq!(Instant::now().as_secs(), 1);
        let inner = with_timeout(Duration::from_secs(2), pending::<()>());
        assert!(with_timeout(Duration::from_secs(1), inner).await.is_err());
        assert_eq!(Instant::now().as_secs(), 2);
    });
}

#[test]
fn a_task_that_waits_for_the_past_does_not_stop_the_clock() {
    let net = Net::new(1);
    net.spawn(async {
        loop {
            Timer::at(Instant::from_ticks(0)).await;
        }
    });
    net.run(Timer::after_millis(10));
    assert_eq!(Instant::now(), Instant::from_millis(10));
}

#[test]
fn tasks_give_their_output_and_spawn_tasks() {
    let net = Net::new(1);
    let spawner = net.spawner();
    let outer = net.spawn(async move {
        let inner = spawner.spawn(async {
            Timer::after_secs(1).await;
            20
        });
        assert!(!inner.is_finished());
        inner.await + 1
    });
    net.spawn(never());
    assert_eq!(net.run(async { outer.await * 2 }), 42);
}

/// What servers look like.
async fn never() -> ! {
    loop {
        Timer::after_secs(1).await;
    }
}

#[test]
fn a_cancelled_task_is_dropped_where_it_stands() {
    struct Mark(Rc<Cell<u32>>);
    impl Drop for Mark {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 100);
        }
    }
    let net = Net::new(1);
    let steps = Rc::<Cell<u32>>::default();
    let task = net.spawn({
        let mark = Mark(steps.clone());
        async move {
            loop {
                mark.0.set(mark.0.get() + 1);
                Timer::after_secs(1).await;
            }
        }
    });
    net.run(async {
        Timer::after_millis(2500).await;
        assert_eq!(steps.get(), 3);
        task.cancel();
        Timer::after_secs(10).await;
        assert_eq!(steps.get(), 103);
    });
}

#[test]
fn networks_follow_one_another_each_with_its_own_time() {
    for _ in 0..2 {
        let net = Net::new(1);
        net.run(Timer::after_secs(5));
        assert_eq!(Instant::now(), Instant::from_secs(5));
    }
}

#[test]
#[should_panic = "one network at a time on a thread"]
fn two_networks_would_share_a_clock() {
    let _first = Net::new(1);
    let _second = Net::new(2);
}

#[test]
#[should_panic = "no timer and no wake is left: the test waits, and the tasks spawned at "]
fn a_test_that_waits_for_nothing_is_told() {
    let net = Net::new(1);
    net.host();
    net.spawn(pending::<()>());
    net.run(pending::<()>());
}

#[test]
#[should_panic = "too late: only the test itself waits"]
fn a_test_that_waits_too_long_is_told() {
    let net = Net::new(1);
    net.set_limit(Duration::from_secs(60));
    net.run(never());
}

#[test]
#[should_panic = "something wakes itself for ever"]
fn a_test_that_spins_is_told() {
    Net::new(1).run(async {
        loop {
            yield_now().await;
        }
    });
}

#[test]
#[should_panic = "of a task"]
fn a_panic_of_a_task_fails_the_test() {
    let net = Net::new(1);
    net.spawn(async { panic!("of a task") });
    net.run(Timer::after_secs(1));
}
