//! The network of the board: it joins the one it was built for and comes back to it whenever it is lost, or opens one of
//! its own. Not here: what is served.

use defmt::{info, warn};
use embassy_futures::select::{Either, select};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StaticConfigV4};
use embassy_time::{Duration, Timer, with_timeout};
use esp_radio::wifi::{
    AuthenticationMethodConfig, Config as RadioConfig, ConnectionError, ControllerConfig, Interface,
    WifiController,
    ap::{AccessPointConfig, EventInfo},
    sta::StationConfig,
};
use leasehund::{DHCPServerBuffers, DHCPServerSocket, DhcpConfigBuilder, DhcpServer, TransactionEvent};
use static_cell::ConstStaticCell;

/// The network to join; without one the board opens its own.
pub(crate) const NETWORK: Option<&str> = option_env!("WIFI_NETWORK");
/// The password of the one or of the other; without one it is open.
const PASSWORD: Option<&str> = option_env!("WIFI_PASSWORD");

/// Name and channel of the board's own network, and its address there.
const OWN_NETWORK: &str = "esp32c3";
const OWN_CHANNEL: u8 = 6;
const OWN_ADDRESS: Ipv4Address = Ipv4Address::new(192, 168, 4, 1);

/// How long one attempt to join may take: should the radio's answer be lost, this ends the attempt.
const JOINING: Duration = Duration::from_secs(15);
/// When to tell that no address came.
const ADDRESS: Duration = Duration::from_secs(15);
/// Pauses between attempts to join double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What the radio needs to know at its start.
pub(crate) fn radio() -> ControllerConfig {
    // `build.rs` let no name and no password pass that is too long.
    let authentication = match PASSWORD {
        Some(password) => AuthenticationMethodConfig::Wpa2Personal(password.try_into().unwrap()),
        None => AuthenticationMethodConfig::Open,
    };
    let config = match NETWORK {
        Some(network) => RadioConfig::Station(
            StationConfig::default()
                .with_ssid(network.try_into().unwrap())
                .with_authentication(authentication),
        ),
        None => RadioConfig::AccessPoint(
            AccessPointConfig::default()
                .with_ssid(OWN_NETWORK.try_into().unwrap())
                .with_channel(OWN_CHANNEL)
                .with_authentication(authentication),
        ),
    };
    ControllerConfig::default().with_initial_config(config)
}

/// The side of the radio that the network stack sends and receives on.
pub(crate) fn interface() -> Interface {
    if NETWORK.is_some() { Interface::station() } else { Interface::access_point() }
}

/// What the network stack needs to know at its start.
pub(crate) fn config() -> Config {
    if NETWORK.is_some() {
        return Config::dhcpv4(Default::default());
    }
    Config::ipv4_static(StaticConfigV4 {
        address: Ipv4Cidr::new(OWN_ADDRESS, 24),
        gateway: None,
        dns_servers: Default::default(),
    })
}

/// Keeps the board on its network, and says what becomes of it.
#[embassy_executor::task]
pub(crate) async fn run(mut control: WifiController<'static>, stack: Stack<'static>) -> ! {
    let Some(network) = NETWORK else { host(&control).await };
    let (first, last) = PAUSES;
    let mut pause = first;
    loop {
        info!("wifi: joining {=str}", network);
        match with_timeout(JOINING, control.connect_async()).await {
            Ok(Ok(_)) => {
                pause = first;
                stay(stack).await;
                warn!("wifi: lost {=str}", network);
            }
            Ok(Err(ConnectionError::Failed(why))) => {
                warn!("wifi: cannot join {=str}: {}", network, why.reason);
            }
            Ok(Err(error)) => warn!("wifi: cannot join {=str}: {}", network, error),
            Err(_) => {
                warn!("wifi: cannot join {=str}: no answer", network);
                // Ends the attempt; there may be none any more, which does no harm.
                let _ = with_timeout(JOINING, control.disconnect_async()).await;
            }
        }
        info!("wifi: next attempt in {=u64} s", pause.as_secs());
        Timer::after(pause).await;
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
                    warn!("wifi: no address by DHCP yet");
                }
            }
        }
        if !stack.is_link_up() {
            return;
        }
    }
}

/// Says who comes to the board's own network, and who leaves it.
async fn host(control: &WifiController<'_>) -> ! {
    info!("wifi: opened the network {=str}: join it, then open http://{}/", OWN_NETWORK, OWN_ADDRESS);
    loop {
        match control.wait_for_access_point_connected_event_async().await {
            Ok(EventInfo::Connected(station)) => info!("wifi: {=[u8]:02x} joined", station.mac),
            Ok(EventInfo::Disconnected(station)) => info!("wifi: {=[u8]:02x} left", station.mac),
            Err(_) => Timer::after_secs(1).await,
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
