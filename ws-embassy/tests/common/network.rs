//! The hosts and the Ethernet between them. Chance ([`Conditions`]) comes from the seed of the [`Net`]; what must happen
//! to one particular frame is scripted ([`Net::script`]); a cable is cut, a link goes down, a reset is forged at a call.
//! Reading what was sent is the business of `capture`, the executor that of `run`.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::rc::Rc;
use std::task::{Context, Waker};

use embassy_net::driver::{self, Capabilities, HardwareAddress, LinkState};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_time::{Duration, Instant};

use super::capture::{ACK, Fate, Record, Segment, Tally};
use super::random::Random;
use super::run::{Executor, Spawner, Task};
use super::{clock, forge};

/// Sockets of each host, one of them taken by its resolver.
pub(crate) const SOCKETS: usize = 32;
/// Octets of the largest Ethernet frame, its checksum apart.
const MTU: usize = 1514;

/// A network in this thread, with an executor and a clock of its own that starts at zero.
pub(crate) struct Net {
    executor: Executor,
    wire: Rc<RefCell<Wire>>,
    seed: u64,
    /// Dropped last: the tasks above may still look at the time.
    _clock: clock::Lease,
}

impl Net {
    /// Everything random follows from `seed`: chance, and what the stacks choose (ports, sequence numbers).
    pub(crate) fn new(seed: u64) -> Self {
        let clock = clock::take();
        let wire = Wire {
            random: Random::new(seed),
            conditions: Conditions::default(),
            script: None,
            ports: Vec::new(),
            records: Vec::new(),
            sequence: 0,
        };
        Self { executor: Executor::new(), wire: Rc::new(RefCell::new(wire)), seed, _clock: clock }
    }

    /// Adds a host with the address 10.0.0.`number + 1`, its stack running, its link up. At most eight: a stack
    /// remembers so many neighbours.
    pub(crate) fn host(&self) -> Host {
        let number = self.wire.borrow().ports.len();
        let last = u8::try_from(number + 1).expect("a few hosts");
        let address = Ipv4Address::new(10, 0, 0, last);
        let hardware = [0x02, 0, 0, 0, 0, last];
        self.wire.borrow_mut().ports.push(Port::new(hardware));
        let device = Device { wire: self.wire.clone(), number, hardware };
        // Leaked: a stack lives as long as its program, here as on a board.
        let resources = Box::leak(Box::new(StackResources::<SOCKETS>::new()));
        let seed = Random::new(self.seed ^ (u64::from(last) << 32)).next();
        let (stack, mut runner) = embassy_net::new(device, configuration(address, &[]), resources, seed);
        self.executor.spawner().spawn_background(async move { runner.run().await });
        Host { stack, address, number, wire: self.wire.clone() }
    }

    /// Runs `future` to its end, with everything spawned beside it. See [`Executor::run`].
    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        self.executor.run(future)
    }

    /// Starts a task; it runs inside the calls of [`run`](Self::run).
    #[track_caller]
    pub(crate) fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.executor.spawner().spawn(future)
    }

    pub(crate) fn spawner(&self) -> Spawner {
        self.executor.spawner()
    }

    /// Virtual time that each call of [`run`](Self::run) may take from now on; ten hours unless told.
    pub(crate) fn set_limit(&self, limit: Duration) {
        self.executor.set_limit(limit);
    }

    /// What chance does to every frame from now on.
    pub(crate) fn set_conditions(&self, conditions: Conditions) {
        self.wire.borrow_mut().conditions = conditions;
    }

    /// Asks `script` about every frame from now on, before chance; the last one given counts. It decides from
    /// what it is shown and must not call the network.
    pub(crate) fn script(&self, script: impl FnMut(&EthernetFrame) -> Verdict + 'static) {
        self.wire.borrow_mut().script = Some(Box::new(script));
    }

    /// Loses every `n`th frame of each host from now on; replaces the script.
    pub(crate) fn drop_every(&self, n: usize) {
        self.script(move |frame| if frame.number.is_multiple_of(n) { Verdict::Drop } else { Verdict::Pass });
    }

    /// Loses the `n`th TCP segment with payload that `host` sends from now on, once; replaces the script.
    pub(crate) fn drop_nth_data(&self, host: &Host, n: usize) {
        let (from, mut seen) = (host.number, 0);
        self.script(move |frame| {
            seen += usize::from(frame.from == from && frame.payload() > 0);
            if seen == n && frame.from == from && frame.payload() > 0 { Verdict::Drop } else { Verdict::Pass }
        });
    }

    /// No script and no chance any more: every frame arrives, in order.
    pub(crate) fn calm(&self) {
        let mut wire = self.wire.borrow_mut();
        wire.script = None;
        wire.conditions = Conditions::default();
    }

    /// Gives `to` a reset in the name of the peer of its newest connection on its local `port`, with the sequence
    /// number that `to` expects next, the only one that must be obeyed (RFC 5961 3.2).
    ///
    /// # Panics
    ///
    /// If `to` has acknowledged nothing on that port yet.
    pub(crate) fn inject_reset(&self, to: &Host, port: u16) {
        let mut wire = self.wire.borrow_mut();
        let seen = |record: &&Record| record.from == to.number && record.fate != Fate::Forged;
        let last = (wire.records.iter().rev().filter(seen).filter_map(|record| record.segment))
            .find(|segment| segment.source.1 == port && segment.has(ACK))
            .expect("a connection to reset");
        let last_octet = last.destination.0.octets()[3]; // of the hardware address too, see `host`
        let from =
            wire.ports.iter().position(|peer| peer.hardware[5] == last_octet).expect("the peer's host");
        let frame = forge::reset(&last, wire.ports[from].hardware, wire.ports[to.number].hardware);
        wire.record(from, Fate::Forged, &frame);
        wire.deliver(to.number, Duration::from_ticks(1), frame);
    }

    /// All frames so far, in the order of sending.
    pub(crate) fn capture(&self) -> Vec<Record> {
        self.wire.borrow().records.clone()
    }

    /// Forgets the frames so far.
    pub(crate) fn clear_capture(&self) {
        self.wire.borrow_mut().records.clear();
    }

    /// What `host` has sent, in numbers.
    pub(crate) fn sent(&self, host: &Host) -> Tally {
        Tally::of(self.wire.borrow().records.iter().filter(|record| record.from == host.number))
    }
}

/// What chance does to frames; by default nothing but the latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// Frames in a thousand that get lost.
    pub(crate) loss: u32,
    /// Frames in a thousand that arrive twice.
    pub(crate) duplication: u32,
    /// Frames in a thousand that are held back for up to 20 latencies, so that later ones overtake them.
    pub(crate) reordering: u32,
    /// From one host to the other.
    pub(crate) latency: Duration,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { loss: 0, duplication: 0, reordering: 0, latency: Duration::from_micros(500) }
    }
}

/// What a script decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Leave it to chance.
    Pass,
    Drop,
    Duplicate,
    /// In addition to the latency.
    Delay(Duration),
    /// So many octets of it arrive.
    Cut(usize),
    /// This octet arrives with a bit flipped, and no sum shows it if it is TCP's.
    Alter(usize),
    /// The same, and sums show it.
    Damage(usize),
    /// It arrives, and behind it a reset in the name of its sender.
    Reset,
}

/// What a script is shown.
pub(crate) struct EthernetFrame {
    /// The number of the sending host.
    pub(crate) from: usize,
    /// Counts the frames of this host from 1, those before the script too.
    pub(crate) number: usize,
    pub(crate) length: usize,
    pub(crate) segment: Option<Segment>,
}

impl EthernetFrame {
    /// Octets of TCP payload.
    pub(crate) fn payload(&self) -> usize {
        self.segment.map_or(0, |segment| segment.payload)
    }
}

/// One host: an embassy-net stack on a cable.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) stack: Stack<'static>,
    pub(crate) address: Ipv4Address,
    /// Counts from 0 in the order of [`Net::host`].
    pub(crate) number: usize,
    wire: Rc<RefCell<Wire>>,
}

impl Host {
    /// Loses every frame from and to this host, those on their way included; the host does not notice.
    pub(crate) fn cut(&self) {
        self.with_port(|port| {
            port.cable = false;
            port.arriving.clear();
        });
    }

    pub(crate) fn mend(&self) {
        self.with_port(|port| port.cable = true);
    }

    /// The same with the host's knowledge: its driver reports the link down, as a radio does that lost its access point.
    pub(crate) fn link_down(&self) {
        self.with_port(|port| {
            port.link = false;
            port.arriving.clear();
            port.wake();
        });
    }

    pub(crate) fn link_up(&self) {
        self.with_port(|port| {
            port.link = true;
            port.wake();
        });
    }

    /// Asks `servers` for names from now on; see `dns::serve`.
    pub(crate) fn resolve_by(&self, servers: &[&Host]) {
        let servers: Vec<_> = servers.iter().map(|server| server.address).collect();
        self.stack.set_config_v4(configuration(self.address, &servers).ipv4);
    }

    fn with_port(&self, change: impl FnOnce(&mut Port)) {
        change(&mut self.wire.borrow_mut().ports[self.number]);
    }
}

fn configuration(address: Ipv4Address, servers: &[Ipv4Address]) -> Config {
    let dns_servers = servers.iter().copied().collect();
    let address = Ipv4Cidr::new(address, 24);
    Config::ipv4_static(StaticConfigV4 { address, gateway: None, dns_servers })
}

type Script = dyn FnMut(&EthernetFrame) -> Verdict;

struct Wire {
    random: Random,
    conditions: Conditions,
    script: Option<Box<Script>>,
    ports: Vec<Port>,
    records: Vec<Record>,
    /// Keeps frames of the same instant in the order of sending.
    sequence: u64,
}

impl Wire {
    /// Takes a frame from host `from`, decides its fate and sends it on its way.
    fn send(&mut self, from: usize, frame: Vec<u8>) {
        self.ports[from].sent += 1;
        let Conditions { loss, duplication, reordering, latency } = self.conditions;
        let (number, length, segment) = (self.ports[from].sent, frame.len(), Segment::parse(&frame));
        let shown = EthernetFrame { from, number, length, segment };
        // One draw each, whatever the verdict: a script does not shift the chance of later frames.
        let lost = self.random.chance(loss);
        let duplicated = self.random.chance(duplication);
        let delayed = self.random.chance(reordering);
        let delay = Duration::from_ticks(self.random.below(latency.as_ticks() * 20));
        let verdict = self.script.as_mut().map_or(Verdict::Pass, |script| script(&shown));
        let (fate, extra) = match verdict {
            Verdict::Drop => (Fate::Lost, None),
            Verdict::Duplicate => (Fate::Duplicated, None),
            Verdict::Delay(delay) => (Fate::Delayed, Some(delay)),
            Verdict::Cut(_) | Verdict::Alter(_) | Verdict::Damage(_) => (Fate::Damaged, None),
            Verdict::Reset => (Fate::Delivered, None),
            Verdict::Pass if lost => (Fate::Lost, None),
            Verdict::Pass if duplicated => (Fate::Duplicated, None),
            Verdict::Pass if delayed => (Fate::Delayed, Some(delay)),
            Verdict::Pass => (Fate::Delivered, None),
        };
        let fate = if self.ports[from].connected() { fate } else { Fate::Lost };
        self.record(from, fate, &frame);
        if fate == Fate::Lost {
            return;
        }
        let mut frames = vec![frame.clone()];
        match verdict {
            Verdict::Cut(length) => frames[0].truncate(length),
            Verdict::Damage(at) => forge::damage(&mut frames[0], at),
            Verdict::Alter(at) => {
                forge::damage(&mut frames[0], at);
                forge::sign(&mut frames[0]);
            }
            Verdict::Reset => frames.extend(segment.map(|segment| {
                let [to, from] = [0, 6].map(|at| *frame[at..].first_chunk().expect("two addresses"));
                forge::reset(&segment.before_answer(), from, to)
            })),
            _ if fate == Fate::Duplicated => frames.push(frame.clone()),
            _ => {}
        }
        let after = latency + extra.unwrap_or(Duration::MIN);
        for to in 0..self.ports.len() {
            // A frame goes where it would have gone.
            if to != from && self.ports[to].accepts(&frame) {
                frames.iter().for_each(|frame| self.deliver(to, after, frame.clone()));
            }
        }
    }

    fn record(&mut self, from: usize, fate: Fate, frame: &[u8]) {
        let segment = Segment::parse(frame);
        // FNV-1a, 64 bits.
        let digest = frame.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, octet| {
            (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
        });
        self.records.push(Record { at: Instant::now(), from, fate, length: frame.len(), digest, segment });
    }

    fn deliver(&mut self, to: usize, after: Duration, frame: Vec<u8>) {
        self.sequence += 1;
        let port = &mut self.ports[to];
        port.arriving.push(Reverse((Instant::now() + after, self.sequence, frame)));
        port.wake();
    }
}

/// Where a host is plugged in.
struct Port {
    hardware: [u8; 6],
    cable: bool,
    link: bool,
    sent: usize,
    /// Frames on their way to the host, the next one first.
    arriving: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    /// The task that runs the host's stack.
    waker: Option<Waker>,
}

impl Port {
    const fn new(hardware: [u8; 6]) -> Self {
        Self { hardware, cable: true, link: true, sent: 0, arriving: BinaryHeap::new(), waker: None }
    }

    const fn connected(&self) -> bool {
        self.cable && self.link
    }

    /// Whether a frame is for this host, or for all.
    fn accepts(&self, frame: &[u8]) -> bool {
        let destination = frame.first_chunk();
        self.connected() && (destination == Some(&self.hardware) || destination == Some(&[0xff; 6]))
    }

    fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

/// The network card of a host, which embassy-net drives. It has room for any number of frames.
struct Device {
    wire: Rc<RefCell<Wire>>,
    number: usize,
    hardware: [u8; 6],
}

impl driver::Driver for Device {
    type RxToken<'a> = Received;
    type TxToken<'a> = Transmit<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received, Transmit<'_>)> {
        let frame = {
            let port = &mut self.wire.borrow_mut().ports[self.number];
            port.waker = Some(cx.waker().clone());
            let Reverse((at, ..)) = port.arriving.peek()?;
            if *at > Instant::now() {
                embassy_time_driver::schedule_wake(at.as_ticks(), cx.waker());
                return None;
            }
            let Reverse((.., frame)) = port.arriving.pop()?;
            frame
        };
        Some((Received(frame), Transmit(self)))
    }

    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Transmit<'_>> {
        Some(Transmit(self))
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        let port = &mut self.wire.borrow_mut().ports[self.number];
        port.waker = Some(cx.waker().clone());
        if port.link { LinkState::Up } else { LinkState::Down }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MTU;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.hardware)
    }
}

struct Received(Vec<u8>);

impl driver::RxToken for Received {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, read: F) -> R {
        read(&mut self.0)
    }
}

struct Transmit<'a>(&'a Device);

impl driver::TxToken for Transmit<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        self.0.wire.borrow_mut().send(self.0.number, frame);
        result
    }
}
