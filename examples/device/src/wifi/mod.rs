//! The network of a board with Wi-Fi: what it was built for, how it joins one network and comes back to it whenever that is
//! lost, and what those are told who join one that it opens. Not here: the radio ([`Radio`]), which is the board's; the
//! check of the credentials (`build.rs`).

mod log;

use core::pin::{Pin, pin};

use embassy_futures::select::{Either, select};
use embassy_net::{Config, DhcpConfig, Ipv4Address, Ipv4Cidr, Stack, StaticConfigV4};
use embassy_time::{Duration, Timer, with_timeout};
use leasehund::{DHCPServerBuffers, DHCPServerSocket, DhcpConfigBuilder, DhcpServer, TransactionEvent};
use log::{info, warning};

/// The network to join; without one the board opens its own.
pub const NETWORK: Option<&str> = option_env!("WIFI_NETWORK");
/// The password of the one or of the other; without one it is open.
pub const PASSWORD: Option<&str> = option_env!("WIFI_PASSWORD");

/// Channel of the board's own network.
pub const OWN_CHANNEL: u8 = 6;
/// Address of the board in its own network, and how much of it names the network.
pub const OWN_ADDRESS: Ipv4Cidr = Ipv4Cidr::new(Ipv4Address::new(192, 168, 4, 1), 24);
/// What the last octet of a lent address is, from and to.
const LENT: (u8, u8) = (16, 31);

/// How many have one at once.
const CLIENTS: usize = 8;
/// Seconds that one is lent for: few who leave give it back, and the next ones are to have it soon.
const LEASE: u32 = 600;

/// How long one attempt to join may take: a radio does not always say that it gave up.
const JOINING: Duration = Duration::from_secs(15);
/// When to tell that no address came.
const ADDRESS: Duration = Duration::from_secs(15);
/// Pauses between attempts to join double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What it takes of a radio to keep a board on a network.
pub trait Radio {
    /// Tries to join; returns whether it did, and logs why not. It is dropped if it takes too long.
    async fn join(&mut self, network: &str) -> bool;

    /// Ends an attempt to join that had no answer.
    async fn give_up(&mut self) {}

    /// Waits for `event`, and does meanwhile what else is to be done with the radio.
    async fn until<F: Future>(&mut self, event: Pin<&mut F>) -> F::Output {
        event.await
    }
}

/// What the network stack needs to know at its start. Routers list the board by its name.
pub fn config(name: &str) -> Config {
    if NETWORK.is_some() {
        let mut dhcp = DhcpConfig::default();
        dhcp.hostname = name.try_into().ok();
        return Config::dhcpv4(dhcp);
    }
    Config::ipv4_static(StaticConfigV4 {
        address: OWN_ADDRESS,
        gateway: None,
        dns_servers: Default::default(),
    })
}

/// Keeps the board on a network, and logs what becomes of it.
pub async fn keep(radio: &mut impl Radio, stack: Stack<'_>, network: &str) -> ! {
    let (first, last) = PAUSES;
    let mut pause = first;
    loop {
        info!("wifi: joining {=str}", network);
        match with_timeout(JOINING, radio.join(network)).await {
            Ok(true) => {
                pause = first;
                radio.until(pin!(stay(stack))).await;
                warning!("wifi: lost {=str}", network);
            }
            Ok(false) => {}
            Err(_) => {
                warning!("wifi: cannot join {=str}: no answer", network);
                let _ = with_timeout(JOINING, radio.give_up()).await;
            }
        }
        info!("wifi: next attempt in {=u64} s", pause.as_secs());
        radio.until(pin!(Timer::after(pause))).await;
        pause = (pause * 2).min(last);
    }
}

/// Returns when the network is lost.
async fn stay(stack: Stack<'_>) {
    // The radio said that it joined; the stack hears of it a moment later.
    if with_timeout(JOINING, stack.wait_link_up()).await.is_err() {
        return;
    }
    info!("wifi: joined");
    loop {
        match stack.config_v4() {
            Some(config) => {
                info!("wifi: open http://{}/", config.address.address());
                select(stack.wait_config_down(), stack.wait_link_down()).await;
            }
            None => {
                let address = with_timeout(ADDRESS, stack.wait_config_up());
                if let Either::First(Err(_)) = select(address, stack.wait_link_down()).await {
                    warning!("wifi: no address by DHCP yet");
                }
            }
        }
        if !stack.is_link_up() {
            return;
        }
    }
}

/// Logs that the board has opened its own network, and what to do now.
pub fn opened(name: &str) {
    info!("wifi: opened the network {=str}: join it, then open http://{}/", name, OWN_ADDRESS.address());
}

/// Lends addresses to those who join the board's own network. No router and no name server: they keep their own way to
/// the internet. Returns only if it cannot begin.
pub async fn lend(stack: Stack<'_>) {
    let [a, b, c, _] = OWN_ADDRESS.address().octets();
    let config = DhcpConfigBuilder::<0>::new()
        .server_ip(OWN_ADDRESS.address())
        .subnet_mask(OWN_ADDRESS.netmask())
        .no_router()
        .ip_pool(Ipv4Address::new(a, b, c, LENT.0), Ipv4Address::new(a, b, c, LENT.1))
        .lease_time(LEASE)
        .build();
    let mut server = DhcpServer::<CLIENTS, 0>::with_config(config);
    let mut buffers = DHCPServerBuffers::new();
    let Ok(mut socket) = DHCPServerSocket::new(stack, &mut buffers) else {
        return warning!("wifi: no socket to lend addresses with");
    };
    loop {
        match server.lease_one(&mut socket).await {
            Ok(TransactionEvent::Leased(address, client)) => {
                info!("wifi: lent {} to {=[u8]:02x}", address, client)
            }
            Ok(TransactionEvent::Released(address, _)) => info!("wifi: {} was given back", address),
            Err(_) => warning!("wifi: a request for an address was too large"),
        }
    }
}
