// What rp2040js 1.4.1 does otherwise than the RP2040, put right where the firmware runs into it. Each piece says which
// gap it closes; with a newer rp2040js see which may go. Not here: the Pico W's radio, and what is no defect.

const FSTAT_OUT = 5; // rp2040js's WaitType.Out

export function closeGaps(mcu, fault) {
  events(mcu, fault);
  peripherals(mcu);
  halfwords(mcu, fault);
  traps(mcu, fault);
  for (const pio of mcu.pio) programmableIo(pio);
}

// SEV is only logged: without its event, a task that was woken while another is polled sleeps until the next interrupt.
// Other messages of rp2040js stand for faults that it does not raise: the M0+ takes a HardFault there.
function events(mcu, fault) {
  const faults = /not 32 bit aligned|invalid memory|undefined address|not implemented yet/;
  const listen = (_, message) => {
    if (message === "SEV") mcu.core.eventRegistered = true;
    else if (faults.test(message)) fault(message);
  };
  mcu.logger = { debug() {}, info: listen, warn: listen, error: listen };
}

function peripherals(mcu) {
  // The ring oscillator is missing: it is stable at once, and its random bit is one.
  let state = 0x12345678;
  mcu.peripherals[0x40060] = silent((offset) => {
    if (offset === 0x18) return 0x80001000; // STATUS: stable, enabled
    if (offset !== 0x1c) return 0;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 1;
  });
  // So are the pins of the flash and the regulator; the start-up code only wants them not to be all ones.
  mcu.peripherals[0x40018] = mcu.peripherals[0x40064] = silent(() => 0);
  // CHAN_ABORT is read until it is zero; rp2040js aborts but reads as all ones.
  const read = mcu.dma.readUint32.bind(mcu.dma);
  mcu.dma.readUint32 = (offset) => (offset === 0x444 ? 0 : read(offset));
}

const silent = (readUint32) => ({ readUint32, writeUint32() {}, writeUint32Atomic() {} });

// Words are checked for their alignment, half-words are not. The core's own readUint16 also fetches instructions, which
// are aligned always.
function halfwords(mcu, fault) {
  const { core } = mcu;
  const [read, write] = [core.readUint16.bind(core), core.writeUint16.bind(core)];
  const check = (what, address) => address & 1 && fault(`${what} address ${address.toString(16)}, which is not 16 bit aligned`);
  core.readUint16 = (address) => (check("read from", address), read(address));
  core.writeUint16 = (address, value) => (check("write to", address), write(address, value));
}

// UDF and, without a debugger, BKPT raise a HardFault; rp2040js calls a hook and goes on. BKPT 0xAB is semihosting, see
// bench.mjs.
function traps(mcu, fault) {
  mcu.onBreak = (code) => fault(`UDF or BKPT ${code}: a panic, or an unhandled HardFault`);
}

function programmableIo(pio) {
  pio.run = () => {}; // it would run on timers of the host; we step it in time with the core
  for (const machine of pio.machines) {
    // An instruction forced through SMx_INSTR replaces a stalled one.
    const write = machine.writeUint32.bind(machine);
    machine.writeUint32 = (offset, value) => {
      if (offset === 0x10 && machine.waiting) {
        if (machine.waitType === FSTAT_OUT) machine.outputShiftCount = 32;
        machine.waiting = false;
      }
      write(offset, value);
    };
    machine.clkDivRestart = () => {};
    // A disabled state machine does not leave its stall.
    const check = machine.checkWait.bind(machine);
    machine.checkWait = () => machine.enabled && check();
    // The output shift register is empty after a reset; rp2040js starts with a full one.
    machine.outputShiftCount = 32;
  }
}
