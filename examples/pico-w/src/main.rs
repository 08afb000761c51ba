//! The application of `device` on a Raspberry Pi Pico W: what runs where. One core, one executor, no interrupts of our
//! own, no heap; every buffer is a static. Not here: the radio (`wifi`), the LED and the sensor (`board`), how the network is
//! kept and what is served (`device`).
#![no_std]
#![no_main]
#![deny(unsafe_code)] // one exception, in `radio`

mod board;
mod radio;
mod wifi;

use cyw43_pio::{DEFAULT_CLOCK_DIVIDER, PioSpi};
use defmt::{info, warn};
use defmt_rtt as _;
use device::{
    Compression, CompressionBuffers, Device, Memory, PushMemory, Random, SOCKETS, WEBSOCKETS, compression,
    push,
    wifi::{NETWORK, config},
};
use embassy_executor::Spawner;
use embassy_net::{Stack, StackResources};
use embassy_rp::{
    Peri,
    adc::{self, Adc},
    bind_interrupts,
    clocks::RoscRng,
    dma,
    gpio::{Level, Output},
    peripherals::{DMA_CH0, PIO0, WATCHDOG},
    pio::{self, Pio},
    watchdog::Watchdog,
};
use embassy_time::{Duration, Timer};
use panic_probe as _;
use static_cell::{ConstStaticCell, StaticCell};

bind_interrupts!(struct Irqs {
    ADC_IRQ_FIFO => adc::InterruptHandler;
    DMA_IRQ_0 => dma::InterruptHandler<DMA_CH0>;
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
});

/// The sockets of the server, one for DHCP, one for name resolution, one to lend addresses with.
const STACK_SOCKETS: usize = SOCKETS + 3;

static RESOURCES: StaticCell<StackResources<STACK_SOCKETS>> = StaticCell::new();
static DEVICE: StaticCell<Device> = StaticCell::new();
static MEMORY: ConstStaticCell<[Memory; SOCKETS]> = ConstStaticCell::new([const { Memory::new() }; SOCKETS]);
static BUFFERS: ConstStaticCell<[CompressionBuffers; WEBSOCKETS]> =
    ConstStaticCell::new([const { CompressionBuffers::new() }; WEBSOCKETS]);
static PUSH: ConstStaticCell<PushMemory> = ConstStaticCell::new(PushMemory::new());
static COMPRESSION: StaticCell<[Compression; WEBSOCKETS]> = StaticCell::new();

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let p = embassy_rp::init(Default::default());
    spawner.spawn(watch(p.WATCHDOG).unwrap());

    let mut pio = Pio::new(p.PIO0, Irqs);
    let spi = PioSpi::new(
        &mut pio.common,
        pio.sm0,
        DEFAULT_CLOCK_DIVIDER,
        pio.irq0,
        Output::new(p.PIN_25, Level::High),
        p.PIN_24,
        p.PIN_29,
        dma::Channel::new(p.DMA_CH0, Irqs),
    );
    let power = Output::new(p.PIN_23, Level::Low);
    let (driver, control, runner) =
        cyw43::new(radio::state(), power, spi, radio::FIRMWARE, radio::CALIBRATION).await;
    spawner.spawn(run_radio(runner).unwrap());

    // Sequence numbers and ports of TCP: from the jitter of the ring oscillator.
    let seed = RoscRng.next_u64();
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, runner) = embassy_net::new(driver, config(wifi::NAME), resources, seed);
    spawner.spawn(run_stack(runner).unwrap());
    spawner.spawn(wifi::run(control, stack).unwrap());
    if NETWORK.is_none() {
        spawner.spawn(lend(stack).unwrap());
    }

    let compression = COMPRESSION.init(BUFFERS.take().each_mut().map(compression));
    let device =
        DEVICE.init(Device::new(compression, push(PUSH.take(), Random(|bytes| RoscRng.fill_bytes(bytes)))));
    let sensor = adc::Channel::new_temp_sensor(p.ADC_TEMP_SENSOR);
    spawner.spawn(
        run_board(device, board::PicoW::new(Adc::new(p.ADC, Irqs, Default::default()), sensor)).unwrap(),
    );
    for memory in MEMORY.take() {
        spawner.spawn(serve(device, stack, memory).unwrap());
    }
}

/// Resets the board when the executor has not come round for 8 s: some task holds it, or a panic ended everything. A
/// probe that halts the core halts the count.
#[embassy_executor::task]
async fn watch(watchdog: Peri<'static, WATCHDOG>) -> ! {
    const LIMIT: Duration = Duration::from_secs(8); // 8.3 s is the most it counts
    let mut watchdog = Watchdog::new(watchdog);
    match watchdog.reset_reason() {
        Some(reason) => warn!("started again by the watchdog: {}", defmt::Debug2Format(&reason)),
        None => info!("started"),
    }
    watchdog.pause_on_debug(true);
    watchdog.start(LIMIT);
    loop {
        Timer::after_secs(1).await;
        watchdog.feed(LIMIT);
    }
}

type RadioBus = cyw43::SpiBus<Output<'static>, PioSpi<'static, PIO0, 0>>;

#[embassy_executor::task]
async fn run_radio(runner: cyw43::Runner<'static, RadioBus>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn run_stack(mut runner: embassy_net::Runner<'static, cyw43::NetDriver<'static>>) -> ! {
    runner.run().await
}

/// Lends addresses in the board's own network.
#[embassy_executor::task]
async fn lend(stack: Stack<'static>) {
    device::wifi::lend(stack).await
}

#[embassy_executor::task]
async fn run_board(device: &'static Device, board: board::PicoW) -> ! {
    device.run_board(board).await
}

#[embassy_executor::task(pool_size = SOCKETS)]
async fn serve(device: &'static Device, stack: Stack<'static>, memory: &'static mut Memory) -> ! {
    device.serve(stack, memory).await
}
