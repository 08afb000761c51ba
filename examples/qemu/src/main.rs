//! The shared application on a machine of QEMU's. What is here: the tasks, and what happens on a panic. The machines with
//! their drivers are in [`arm`] and [`riscv`], of which [`machine`] is the one that is built; what they lack of a board is
//! made up in [`board`].

#![no_std]
#![no_main]
#![deny(unsafe_code)]

#[cfg(target_arch = "arm")]
mod arm;
mod board;
mod executor;
mod log;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
use crate::arm as machine;
use crate::board::Board;
use crate::log::log;
#[cfg(target_arch = "riscv32")]
use crate::riscv as machine;
use core::panic::PanicInfo;
use device::{
    Compression, CompressionBuffers, Device, Memory, PushMemory, Random, SOCKETS, WEBSOCKETS, compression,
    push,
};
use embassy_net::{Config, Runner, Stack, StackResources};
use semihosting::experimental::random;
use semihosting::process;
use static_cell::{ConstStaticCell, StaticCell};

/// Sockets of the network stack: those of the server, one each for DHCP and DNS, one to spare.
const STACK_SOCKETS: usize = SOCKETS + 3;

#[cfg_attr(target_arch = "arm", cortex_m_rt::entry)]
#[cfg_attr(target_arch = "riscv32", riscv_rt::entry)]
fn main() -> ! {
    static RESOURCES: ConstStaticCell<StackResources<STACK_SOCKETS>> =
        ConstStaticCell::new(StackResources::new());
    static DEVICE: StaticCell<Device> = StaticCell::new();
    static MEMORY: ConstStaticCell<[Memory; SOCKETS]> =
        ConstStaticCell::new([const { Memory::new() }; SOCKETS]);
    static BUFFERS: ConstStaticCell<[CompressionBuffers; WEBSOCKETS]> =
        ConstStaticCell::new([const { CompressionBuffers::new() }; WEBSOCKETS]);
    static PUSH: ConstStaticCell<PushMemory> = ConstStaticCell::new(PushMemory::new());
    static COMPRESSION: StaticCell<[Compression; WEBSOCKETS]> = StaticCell::new();

    executor::run(|spawner| {
        let network = machine::start();
        log!("{}", machine::NAME);
        let config = Config::dhcpv4(Default::default());
        let (stack, runner) = embassy_net::new(network, config, RESOURCES.take(), seed());
        let compression = COMPRESSION.init(BUFFERS.take().each_mut().map(compression));
        let device: &Device = DEVICE.init(Device::new(compression, push(PUSH.take(), Random(fill))));
        spawner.spawn(run_network(runner).unwrap());
        spawner.spawn(report_address(stack).unwrap());
        spawner.spawn(run_board(device).unwrap());
        for memory in MEMORY.take() {
            spawner.spawn(serve(device, stack, memory).unwrap());
        }
    })
}

/// Of what others must not guess: the numbers that TCP begins with.
fn seed() -> u64 {
    let mut seed = [0; 8];
    fill(&mut seed);
    u64::from_le_bytes(seed)
}

/// By the host that the machine runs on.
fn fill(bytes: &mut [u8]) {
    random::fill_bytes(bytes).unwrap();
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, machine::Network>) -> ! {
    runner.run().await
}

/// The line that `run` waits for.
#[embassy_executor::task]
async fn report_address(stack: Stack<'static>) -> ! {
    loop {
        stack.wait_config_up().await;
        if let Some(config) = stack.config_v4() {
            log!("up at {}", config.address);
        }
        stack.wait_config_down().await;
        log!("down");
    }
}

#[embassy_executor::task]
async fn run_board(device: &'static Device) -> ! {
    device.run_board(Board::new()).await
}

#[embassy_executor::task(pool_size = SOCKETS)]
async fn serve(device: &'static Device, stack: Stack<'static>, memory: &'static mut Memory) -> ! {
    device.serve(stack, memory).await
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log!("{info}");
    process::exit(1)
}
