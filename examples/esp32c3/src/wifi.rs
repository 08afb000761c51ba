//! The radio of the board, as `device::wifi` needs it: it joins a network, or opens one. Not here: when to join, and what is
//! logged of it.

use defmt::{info, warn};
use device::wifi::{self, NETWORK, OWN_CHANNEL, PASSWORD, Radio};
use embassy_net::Stack;
use embassy_time::Timer;
use esp_radio::wifi::{
    AuthenticationMethodConfig, Config, ConnectionError, ControllerConfig, Interface, WifiController,
    ap::{AccessPointConfig, EventInfo},
    sta::StationConfig,
};

/// Name of the board, and of its own network.
pub(crate) const NAME: &str = "esp32c3";

/// What the radio needs to know at its start.
pub(crate) fn radio() -> ControllerConfig {
    // No name and no password is too long: the build would have failed.
    let authentication = match PASSWORD {
        Some(password) => AuthenticationMethodConfig::Wpa2Personal(password.try_into().unwrap()),
        None => AuthenticationMethodConfig::Open,
    };
    let config = match NETWORK {
        Some(network) => Config::Station(
            StationConfig::default()
                .with_ssid(network.try_into().unwrap())
                .with_authentication(authentication),
        ),
        None => Config::AccessPoint(
            AccessPointConfig::default()
                .with_ssid(NAME.try_into().unwrap())
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

/// Keeps the board on its network, or tells of its own.
#[embassy_executor::task]
pub(crate) async fn run(control: WifiController<'static>, stack: Stack<'static>) -> ! {
    match NETWORK {
        Some(network) => wifi::keep(&mut Station(control), stack, network).await,
        None => host(&control).await,
    }
}

/// It joins what it was told of at its start.
struct Station(WifiController<'static>);

impl Radio for Station {
    async fn join(&mut self, network: &str) -> bool {
        match self.0.connect_async().await {
            Ok(_) => return true,
            Err(ConnectionError::Failed(why)) => {
                warn!("wifi: cannot join {=str}: {}", network, why.reason);
            }
            Err(error) => warn!("wifi: cannot join {=str}: {}", network, error),
        }
        false
    }

    async fn give_up(&mut self) {
        // There may be no attempt any more, which does no harm.
        let _ = self.0.disconnect_async().await;
    }
}

/// Says who comes to the board's own network, and who leaves it.
async fn host(control: &WifiController<'_>) -> ! {
    wifi::opened(NAME);
    loop {
        match control.wait_for_access_point_connected_event_async().await {
            Ok(EventInfo::Connected(station)) => info!("wifi: {=[u8]:02x} joined", station.mac),
            Ok(EventInfo::Disconnected(station)) => info!("wifi: {=[u8]:02x} left", station.mac),
            Err(_) => Timer::after_secs(1).await,
        }
    }
}
