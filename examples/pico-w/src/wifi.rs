//! The network of the board: it joins the one it was built for and comes back to it whenever it is lost, or opens one of
//! its own. The LED hangs on the radio chip, so this task switches it too. Not here: what is served.

use core::{future::pending, pin::pin};

use cyw43::{Control, JoinOptions, PowerManagementMode};
use defmt::{info, warn};
use embassy_futures::select::{Either, select};
use embassy_net::{Config, DhcpConfig, Ipv4Address, Ipv4Cidr, Stack, StaticConfigV4};
use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, signal::Signal};
use embassy_time::{Duration, Timer, with_timeout};
use leasehund::{DHCPServerBuffers, DHCPServerSocket, DhcpConfigBuilder, DhcpServer, TransactionEvent};
use static_cell::ConstStaticCell;

/// The network to join; without one the board opens its own.
pub(crate) const NETWORK: Option<&str> = option_env!("WIFI_NETWORK");
/// The password of the one or of the other; without one it is open.
const PASSWORD: Option<&str> = option_env!("WIFI_PASSWORD");

/// Name of the board, and of its own network.
const NAME: &str = "pico-w";
/// Channel of its own network, and its address there.
const OWN_CHANNEL: u8 = 6;
const OWN_ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 4, 1);

/// How long one attempt to join may take: the radio does not always say that it gave up.
const JOINING: Duration = Duration::from_secs(15);
/// When to tell that no address came.
const ADDRESS: Duration = Duration::from_secs(15);
/// Pauses between attempts to join double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What the LED shall be; the last word counts.
pub(crate) static LED: Signal<CriticalSectionRawMutex, bool> = Signal::new();

/// What the network stack needs to know at its start.
pub(crate) fn config() -> Config {
    if NETWORK.is_some() {
        let mut dhcp = DhcpConfig::default();
        dhcp.hostname = NAME.try_into().ok(); // what the router lists the board as
        return Config::dhcpv4(dhcp);
    }
    Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(OWN_ADDRESS, 24),
        gateway: None,
        dns_servers: Default::default(),
    })
}

/// Keeps the board on its network, and says what becomes of it.
#[embassy_executor::task]
pub(crate) async fn run(mut control: Control<'static>, stack: Stack<'static>) -> ! {
    control.init(crate::radio::REGIONS).await;
    // An answer waits for the next beacon otherwise, up to 0.2 s.
    control.set_power_management(PowerManagementMode::Performance).await;
    match NETWORK {
        Some(network) => keep(&mut control, stack, network).await,
        None => open(&mut control).await,
    }
}

async fn keep(control: &mut Control<'_>, stack: Stack<'_>, network: &str) -> ! {
    let (first, last) = PAUSES;
    let mut pause = first;
    loop {
        info!("wifi: joining {=str}", network);
        match with_timeout(JOINING, control.join(network, options())).await {
            Ok(Ok(())) => {
                pause = first;
                stay(control, stack).await;
                warn!("wifi: lost {=str}", network);
            }
            Ok(Err(error)) => warn!("wifi: cannot join {=str}: {}", network, error),
            Err(_) => warn!("wifi: cannot join {=str}: no answer", network),
        }
        info!("wifi: next attempt in {=u64} s", pause.as_secs());
        led_until(control, Timer::after(pause)).await;
        pause = (pause * 2).min(last);
    }
}

fn options() -> JoinOptions<'static> {
    match PASSWORD {
        Some(password) => JoinOptions::new(password.as_bytes()),
        None => JoinOptions::new_open(),
    }
}

async fn open(control: &mut Control<'_>) -> ! {
    match PASSWORD {
        Some(password) => control.start_ap_wpa2(NAME, password, OWN_CHANNEL).await,
        None => control.start_ap_open(NAME, OWN_CHANNEL).await,
    }
    info!("wifi: opened the network {=str}: join it, then open http://{}/", NAME, OWN_ADDRESS);
    loop {
        led_until(control, pending::<()>()).await;
    }
}

/// Returns when the network is lost.
async fn stay(control: &mut Control<'_>, stack: Stack<'_>) {
    // The radio said that it joined; the stack hears of it a moment later.
    if with_timeout(JOINING, led_until(control, stack.wait_link_up())).await.is_err() {
        return;
    }
    info!("wifi: joined");
    loop {
        match stack.config_v4() {
            Some(config) => {
                info!("wifi: open http://{}/", config.address.address());
                let either = select(stack.wait_config_down(), stack.wait_link_down());
                led_until(control, either).await;
            }
            None => {
                let address = with_timeout(ADDRESS, stack.wait_config_up());
                let either = select(address, stack.wait_link_down());
                if let Either::First(Err(_)) = led_until(control, either).await {
                    warn!("wifi: no address by DHCP yet");
                }
            }
        }
        if !stack.is_link_up() {
            return;
        }
    }
}

/// Waits for `event`, and switches the LED meanwhile. A command to the radio is never cut short.
async fn led_until<F: Future>(control: &mut Control<'_>, event: F) -> F::Output {
    let mut event = pin!(event);
    loop {
        match select(&mut event, LED.wait()).await {
            Either::First(output) => return output,
            Either::Second(on) => control.gpio_set(0, on).await,
        }
    }
}

/// Lends addresses to those who join the board's own network. No router and no name server: they keep their own way to
/// the internet.
#[embassy_executor::task]
pub(crate) async fn lend(stack: Stack<'static>) {
    static BUFFERS: ConstStaticCell<DHCPServerBuffers> = ConstStaticCell::new(DHCPServerBuffers::new());
    let [a, b, c, _] = OWN_ADDRESS.octets();
    let config = DhcpConfigBuilder::<0>::new()
        .server_ip(OWN_ADDRESS)
        .subnet_mask(Ipv4Address::new(255, 255, 255, 0))
        .no_router()
        .ip_pool(Ipv4Address::new(a, b, c, 16), Ipv4Address::new(a, b, c, 31))
        .build();
    let mut server = DhcpServer::<8, 0>::with_config(config);
    let Ok(mut socket) = DHCPServerSocket::new(stack, BUFFERS.take()) else {
        return warn!("wifi: no socket to lend addresses with");
    };
    loop {
        match server.lease_one(&mut socket).await {
            Ok(TransactionEvent::Leased(address, client)) => {
                info!("wifi: lent {} to {=[u8]:02x}", address, client)
            }
            Ok(TransactionEvent::Released(address, _)) => info!("wifi: {} was given back", address),
            Err(_) => warn!("wifi: a request for an address was too large"),
        }
    }
}
