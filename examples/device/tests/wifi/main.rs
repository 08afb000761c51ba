//! How a board keeps a network, and lends addresses in one of its own: over the real network stack, with a radio that is
//! made up, and virtual time. What is served there is tested in `app`.

#[path = "../../../../ws-embassy/tests/common/mod.rs"]
mod common;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;

use common::{Host, Net};
use device::wifi::{self, OWN_ADDRESS, Radio};
use embassy_net::{ConfigV4, Ipv4Address, StaticConfigV4};
use embassy_time::{Duration, Instant, Timer, with_timeout};

const NETWORK: &str = "home";

/// What the network answers.
#[derive(Clone, Copy, Default)]
enum Answer {
    #[default]
    Welcome,
    Refusal,
    Silence,
}

/// What a test sees of the radio, and does to it.
#[derive(Clone, Default)]
struct Lab {
    answer: Rc<Cell<Answer>>,
    /// When it was tried to join.
    joining: Rc<RefCell<Vec<Instant>>>,
    given_up: Rc<RefCell<Vec<Instant>>>,
    /// When there was time for other things than to join.
    idle: Rc<RefCell<Vec<Instant>>>,
}

impl Radio for Lab {
    async fn join(&mut self, network: &str) -> bool {
        assert_eq!(network, NETWORK);
        self.joining.borrow_mut().push(Instant::now());
        match self.answer.get() {
            Answer::Welcome => true,
            Answer::Refusal => false,
            Answer::Silence => pending().await,
        }
    }

    async fn give_up(&mut self) {
        self.given_up.borrow_mut().push(Instant::now());
    }

    async fn until<F: Future>(&mut self, mut event: Pin<&mut F>) -> F::Output {
        let mut timer = Timer::after(Duration::MIN);
        poll_fn(|cx| {
            while Pin::new(&mut timer).poll(cx).is_ready() {
                self.idle.borrow_mut().push(Instant::now());
                timer = Timer::after_millis(100);
            }
            event.as_mut().poll(cx)
        })
        .await
    }
}

impl Lab {
    /// Seconds between the attempts to join, from the `first` on.
    fn between(&self, first: usize) -> Vec<u64> {
        let joining = self.joining.borrow();
        joining[first..].windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect()
    }

    fn attempts(&self) -> usize {
        self.joining.borrow().len()
    }

    fn was_idle(&self, from: Instant) -> bool {
        self.idle.borrow().iter().any(|at| *at > from)
    }
}

/// A board that keeps its network.
fn board(net: &Net, answer: Answer) -> (Host, Lab) {
    let (host, lab) = (net.host(), Lab::default());
    lab.answer.set(answer);
    let (stack, mut radio) = (host.stack, lab.clone());
    net.spawn(async move { wifi::keep(&mut radio, stack, NETWORK).await });
    (host, lab)
}

#[test]
fn pauses_grow_while_the_network_refuses() {
    let net = Net::new(1);
    let (_host, lab) = board(&net, Answer::Refusal);
    net.run(Timer::after_secs(130));
    assert_eq!(lab.between(0), [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(lab.given_up.borrow().len(), 0, "nothing is to be ended after an answer");
}

#[test]
fn an_attempt_without_an_answer_is_given_up() {
    let net = Net::new(1);
    let (_host, lab) = board(&net, Answer::Silence);
    net.run(Timer::after_secs(50));
    assert_eq!(lab.between(0), [15 + 1, 15 + 2]);
    let given_up: Vec<_> = lab.given_up.borrow().iter().map(|at| at.as_secs()).collect();
    assert_eq!(given_up, [15, 31, 48]);
}

#[test]
fn a_lost_network_is_joined_again_soon_and_pauses_start_anew() {
    let net = Net::new(1);
    let (host, lab) = board(&net, Answer::Refusal);
    net.run(Timer::after_secs(8));
    lab.answer.set(Answer::Welcome);
    net.run(Timer::after_secs(600));
    let joined = lab.attempts();
    assert_eq!(joined, 5, "the network is kept");
    lab.answer.set(Answer::Refusal);
    let lost = Instant::now();
    host.link_down();
    net.run(Timer::after_secs(8));
    assert_eq!((lab.joining.borrow()[joined] - lost).as_secs(), 1);
    assert_eq!(lab.between(joined), [2, 4]);
    lab.answer.set(Answer::Welcome);
    host.link_up();
    net.run(Timer::after_secs(600));
    assert_eq!(lab.attempts(), joined + 4, "the network is kept again");
}

#[test]
fn a_network_that_the_stack_never_hears_of_counts_as_lost() {
    let net = Net::new(1);
    let (host, lab) = board(&net, Answer::Welcome);
    host.link_down();
    net.run(Timer::after_secs(50));
    assert_eq!(lab.between(0), [15 + 1, 15 + 1, 15 + 1]);
}

#[test]
fn a_network_without_addresses_is_kept() {
    let net = Net::new(1);
    let (host, lab) = board(&net, Answer::Welcome);
    host.stack.set_config_v4(ConfigV4::Dhcp(Default::default()));
    net.run(Timer::after_secs(100));
    assert_eq!(lab.attempts(), 1);
    host.link_down();
    net.run(Timer::after_secs(2));
    assert_eq!(lab.attempts(), 2, "and its end is noticed");
}

#[test]
fn the_radio_serves_others_whenever_it_does_not_join() {
    let net = Net::new(1);
    let (host, lab) = board(&net, Answer::Welcome);
    net.run(Timer::after_secs(5)); // joined
    assert!(lab.was_idle(Instant::from_secs(4)));
    lab.answer.set(Answer::Silence);
    host.link_down();
    net.run(Timer::after_millis(900)); // the pause
    assert!(lab.was_idle(Instant::from_millis(5500)));
    net.run(Timer::after_secs(5)); // in an attempt
    assert!(!lab.was_idle(Instant::from_secs(7)), "an attempt is not disturbed");
}

/// The board's own network, with some that join it.
fn own_network(net: &Net, joining: usize) -> (Host, Vec<Host>) {
    let host = net.host();
    host.stack.set_config_v4(ConfigV4::Static(StaticConfigV4 {
        address: OWN_ADDRESS,
        gateway: None,
        dns_servers: Default::default(),
    }));
    let stack = host.stack;
    net.spawn(async move { wifi::lend(stack).await });
    let join = || {
        let host = net.host();
        host.stack.set_config_v4(ConfigV4::Dhcp(Default::default()));
        host
    };
    (host, (0..joining).map(|_| join()).collect())
}

/// The address that a host was lent.
async fn address(host: &Host) -> Ipv4Address {
    with_timeout(Duration::from_secs(20), host.stack.wait_config_up()).await.expect("an address in time");
    let config = host.stack.config_v4().expect("it is up");
    assert_eq!(config.address.netmask(), OWN_ADDRESS.netmask());
    assert_eq!(config.gateway, None, "the board is no router");
    assert!(config.dns_servers.is_empty(), "the board knows no names");
    config.address.address()
}

#[test]
fn whoever_joins_the_own_network_gets_an_address() {
    let net = Net::new(1);
    let (_host, joined) = own_network(&net, 3);
    let mut lent = Vec::new();
    for host in &joined {
        lent.push(net.run(address(host)).octets());
    }
    lent.sort();
    assert_eq!(lent, [[192, 168, 4, 16], [192, 168, 4, 17], [192, 168, 4, 18]]);
}

#[test]
fn whoever_comes_back_to_the_own_network_gets_the_same_address() {
    let net = Net::new(1);
    let (_host, joined) = own_network(&net, 2);
    let before = [net.run(address(&joined[0])), net.run(address(&joined[1]))];
    joined[0].link_down();
    net.run(joined[0].stack.wait_config_down());
    joined[0].link_up();
    assert_eq!(net.run(address(&joined[0])), before[0]);
    assert_ne!(before[0], before[1]);
}
