//! The radio of the board, as `device::wifi` needs it: it joins a network, or opens one. The LED hangs on the radio chip, so
//! this task switches it too. Not here: when to join, and what is logged of it.

use core::{
    future::pending,
    pin::{Pin, pin},
};

use cyw43::{Control, JoinOptions, PowerManagementMode};
use defmt::warn;
use device::wifi::{self, NETWORK, OWN_CHANNEL, PASSWORD, Radio};
use embassy_futures::select::{Either, select};
use embassy_net::Stack;
use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, signal::Signal};

/// Name of the board, and of its own network.
pub(crate) const NAME: &str = "pico-w";

/// What the LED shall be; the last word counts.
pub(crate) static LED: Signal<CriticalSectionRawMutex, bool> = Signal::new();

/// Keeps the board on its network, or opens one.
#[embassy_executor::task]
pub(crate) async fn run(control: Control<'static>, stack: Stack<'static>) -> ! {
    let mut chip = Chip(control);
    chip.0.init(crate::radio::REGIONS).await;
    // An answer waits for the next beacon otherwise, up to 0.2 s.
    chip.0.set_power_management(PowerManagementMode::Performance).await;
    match NETWORK {
        Some(network) => wifi::keep(&mut chip, stack, network).await,
        None => chip.open().await,
    }
}

struct Chip(Control<'static>);

impl Radio for Chip {
    async fn join(&mut self, network: &str) -> bool {
        let options = match PASSWORD {
            Some(password) => JoinOptions::new(password.as_bytes()),
            None => JoinOptions::new_open(),
        };
        let joined = self.0.join(network, options).await;
        if let Err(error) = &joined {
            warn!("wifi: cannot join {=str}: {}", network, error);
        }
        joined.is_ok()
    }

    /// Waits for `event`, and switches the LED meanwhile. A command to the radio is never cut short.
    async fn until<F: Future>(&mut self, mut event: Pin<&mut F>) -> F::Output {
        loop {
            match select(&mut event, LED.wait()).await {
                Either::First(output) => return output,
                Either::Second(on) => self.0.gpio_set(0, on).await,
            }
        }
    }
}

impl Chip {
    async fn open(&mut self) -> ! {
        match PASSWORD {
            Some(password) => self.0.start_ap_wpa2(NAME, password, OWN_CHANNEL).await,
            None => self.0.start_ap_open(NAME, OWN_CHANNEL).await,
        }
        wifi::opened(NAME);
        self.until(pin!(pending())).await
    }
}
