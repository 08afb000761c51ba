//! The application of `device` on an ESP32-C3: what runs where. One core, one executor for everything that is ours; the
//! radio brings tasks of its own, and a heap that nothing else uses. Not here: the radio (`wifi`), the LED and the sensor
//! (`board`), how the network is kept and what is served (`device`).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

mod board;
mod wifi;

use defmt::{info, warn};
use device::{
    Compression, CompressionBuffers, Device, Memory, PushMemory, Random, SOCKETS, WEBSOCKETS, compression,
    push,
    wifi::{NETWORK, config},
};
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_time::Timer;
use esp_backtrace as _;
use esp_hal::{
    clock::CpuClock,
    peripherals::TIMG1,
    ram,
    rng::Rng,
    rtc_cntl::SocResetReason,
    system::reset_reason,
    time::Duration,
    timer::timg::{MwdtStage, TimerGroup, Wdt},
    tsens::TemperatureSensor,
};
use esp_println as _;
use esp_radio::wifi::{Interface, WifiController};
use static_cell::{ConstStaticCell, StaticCell};

esp_bootloader_esp_idf::esp_app_desc!();

/// The heap of the radio, in bytes: its frames, the stacks of its tasks, its key exchange. Nothing of ours allocates. The
/// first part lies where the bootloader was, which is good for little else; the second among our statics.
const RADIO_HEAP: (usize, usize) = (64 * 1024, 36 * 1024);

/// The sockets of the server, one for DHCP, one for name resolution, one to lend addresses with.
const STACK_SOCKETS: usize = SOCKETS + 3;

static RESOURCES: StaticCell<StackResources<STACK_SOCKETS>> = StaticCell::new();
static DEVICE: StaticCell<Device> = StaticCell::new();
static MEMORY: ConstStaticCell<[Memory; SOCKETS]> = ConstStaticCell::new([const { Memory::new() }; SOCKETS]);
static BUFFERS: ConstStaticCell<[CompressionBuffers; WEBSOCKETS]> =
    ConstStaticCell::new([const { CompressionBuffers::new() }; WEBSOCKETS]);
static PUSH: ConstStaticCell<PushMemory> = ConstStaticCell::new(PushMemory::new());
static COMPRESSION: StaticCell<[Compression; WEBSOCKETS]> = StaticCell::new();

#[esp_rtos::main]
async fn main(spawner: Spawner) {
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    esp_alloc::heap_allocator!(#[ram(reclaimed)] size: RADIO_HEAP.0);
    esp_alloc::heap_allocator!(size: RADIO_HEAP.1);
    // First: time stands still before, and the radio needs its tasks.
    esp_rtos::start(TimerGroup::new(p.TIMG0).timer0, p.FROM_CPU_INTR0);
    spawner.spawn(watch(started(TimerGroup::new(p.TIMG1).wdt)).unwrap());

    let control = WifiController::new(p.WIFI, wifi::radio()).unwrap();
    // Sequence numbers and ports of TCP: true randomness, once the radio is on.
    let rng = Rng::new();
    let seed = (u64::from(rng.random()) << 32) | u64::from(rng.random());
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, runner) = embassy_net::new(wifi::interface(), config(wifi::NAME), resources, seed);
    spawner.spawn(run_stack(runner).unwrap());
    spawner.spawn(wifi::run(control, stack).unwrap());
    if NETWORK.is_none() {
        spawner.spawn(lend(stack).unwrap());
    }

    let compression = COMPRESSION.init(BUFFERS.take().each_mut().map(compression));
    let device =
        DEVICE.init(Device::new(compression, push(PUSH.take(), Random(|bytes| Rng::new().read(bytes)))));
    let sensor = TemperatureSensor::new(p.TSENS, Default::default()).unwrap();
    spawner.spawn(run_board(device, board::Esp32C3::new(p.GPIO8, sensor)).unwrap());
    for memory in MEMORY.take() {
        spawner.spawn(serve(device, stack, memory).unwrap());
    }
}

type Watchdog = Wdt<TIMG1<'static>>;

/// Starts the watchdog: it resets the board when the executor has not come round for 8 s. Some task holds it then, or a
/// panic ended everything, and be it while the radio starts.
fn started(mut watchdog: Watchdog) -> Watchdog {
    match reset_reason() {
        Some(SocResetReason::CoreMwdt1 | SocResetReason::Cpu0Mwdt1) => warn!("started again by the watchdog"),
        _ => info!("started"),
    }
    watchdog.set_timeout(MwdtStage::Stage0, Duration::from_secs(8));
    watchdog.enable();
    watchdog
}

#[embassy_executor::task]
async fn watch(mut watchdog: Watchdog) -> ! {
    loop {
        watchdog.feed();
        Timer::after_secs(1).await;
    }
}

#[embassy_executor::task]
async fn run_stack(mut runner: embassy_net::Runner<'static, Interface>) -> ! {
    runner.run().await
}

/// Lends addresses in the board's own network.
#[embassy_executor::task]
async fn lend(stack: Stack<'static>) {
    device::wifi::lend(stack).await
}

#[embassy_executor::task]
async fn run_board(device: &'static Device, board: board::Esp32C3) -> ! {
    device.run_board(board).await
}

#[embassy_executor::task(pool_size = SOCKETS)]
async fn serve(device: &'static Device, stack: Stack<'static>, memory: &'static mut Memory) -> ! {
    device.serve(stack, memory).await
}
