// A Pico W: the RP2040 of rp2040js with an ELF file in its flash, the radio chip on its pins, and time. Not here: the
// network behind the radio (network.mjs), the command line (main.mjs).

import { RP2040 } from "rp2040js";
import { Bus } from "./cyw43439/bus.mjs";
import { Radio } from "./cyw43439/radio.mjs";
import { Elf, inFlash, inRam } from "./elf.mjs";
import { closeGaps } from "./gaps.mjs";
import { wire } from "./gspi.mjs";
import { Sensor } from "./sensor.mjs";

const FLASH = 0x10000000;
const RAM = 0x20000000;
const PAINT = 0xa5; // on the stack, to see later how far it reached
const SLICE = 20000; // instructions between two looks at the host

export class PicoW {
  // `radio` is what Radio takes; `bits` moves the radio's data bit by bit; without `realTime` idle time is skipped.
  constructor(file, { radio = {}, bits = false, realTime = true } = {}) {
    this.elf = new Elf(file);
    this.realTime = realTime;
    this.mcu = new RP2040();
    this.failure = null; // why the machine stopped
    this.instructions = 0;
    this.cycles = 0;
    this.onLog = () => {}; // (Buffer): what the firmware logged, as defmt frames
    this.onInstruction = null; // (address, cycles), for measuring
    closeGaps(this.mcu, (message) => this.fault(message));
    this.load();
    this.radio = new Radio(radio);
    this.bus = new Bus(this.radio);
    this.link = wire(this.mcu, this.bus, bits);
    this.sensor = new Sensor(this.mcu);
    const watchdog = this.mcu.peripherals[0x40058];
    watchdog.onWatchdogTrigger = () => {
      watchdog.alarm.enable = false; // rp2040js would let it bite again at once, for ever
      this.fail("watchdog bit");
    };
  }

  // What the boot ROM and the second stage do: the vector table lies behind the latter.
  load() {
    const { mcu, elf } = this;
    for (const { address, data } of elf.segments) {
      if (inFlash(address)) mcu.flash.set(data, address - FLASH);
      else if (inRam(address)) mcu.sram.set(data, address - RAM);
    }
    mcu.core.VTOR = FLASH + 0x100;
    mcu.core.reset();
    this.stackTop = mcu.core.SP;
    mcu.sram.fill(PAINT, elf.stackEnd - RAM, this.stackTop - RAM);
  }

  // Anything that the real core raises a HardFault at.
  fault(message) {
    const { PC, LR } = this.mcu.core;
    this.fail(`fault in ${this.elf.nameAt(PC)}, called from ${this.elf.nameAt(LR & ~1)}: ${message}`);
  }

  fail(message) {
    this.failure ??= message;
  }

  get seconds() {
    return this.mcu.clock.nanos / 1e9;
  }

  // Bytes of the stack that were ever written.
  get stackUsed() {
    const stack = this.mcu.sram.subarray(this.elf.stackEnd - RAM, this.stackTop - RAM);
    const untouched = stack.findIndex((byte) => byte !== PAINT);
    return untouched < 0 ? 0 : stack.length - untouched;
  }

  read(address, length) {
    const memory = inRam(address) ? this.mcu.sram.subarray(address - RAM) : this.mcu.flash.subarray(address - FLASH);
    return Buffer.from(memory.subarray(0, length));
  }

  // Runs until `stop` says so or the machine fails. Idle time passes as it does outside, except before the radio's first
  // attempt to join: nobody waits for the start-up delays.
  async run(stop = () => false) {
    const { clock } = this.mcu;
    let [realStart, start] = [now(), clock.nanos];
    const align = () => ([realStart, start] = [now(), clock.nanos]);
    while (!this.failure && !stop()) {
      const idle = this.slice(SLICE);
      this.drainLog();
      if (idle === 0) {
        await turn();
        if (clock.nanos - start < now() - realStart) align(); // slower than real time
      } else if (!this.realTime || !this.radio.started) {
        clock.tick(idle);
        await turn();
        align();
      } else {
        const ahead = clock.nanos - start + idle - (now() - realStart);
        if (ahead > 2e6) {
          const until = clock.nanos + idle;
          // Before anything new comes to the board: it has slept until then, and not longer.
          await this.sleep(Math.min(ahead / 1e6, 1000), () => {
            const passed = now() - realStart - (clock.nanos - start);
            clock.tick(Math.max(0, Math.min(passed, until - clock.nanos)));
          });
        } else {
          clock.tick(idle);
          await turn();
          if (clock.nanos - start < now() - realStart) align();
        }
      }
    }
  }

  sleep(milliseconds, end) {
    return new Promise((resolve) => {
      this.wake = () => {
        clearTimeout(timer);
        this.wake = () => {};
        end();
        resolve();
      };
      const timer = setTimeout(() => this.wake(), milliseconds);
    });
  }

  wake() {} // ends a sleep, before something from outside comes that may be news to the board

  // Runs `budget` steps; returns 0, or, when the core waits, the nanoseconds until its next alarm.
  slice(budget) {
    const { mcu, link } = this;
    const { core, clock } = mcu;
    const nanos = 1e9 / mcu.clkSys;
    const { cycles: period } = link;
    let owed = this.owed ?? 0;
    for (let n = 0; n < budget; n++) {
      if (core.waiting) {
        if (link.active) {
          link.step();
          clock.tick(period * nanos);
          this.cycles += period;
          continue;
        }
        if (core.interruptsUpdated && core.checkForInterrupts()) {
          core.waiting = false;
          continue;
        }
        this.owed = owed;
        return clock.nextAlarm ? Math.max(clock.nanosToNextAlarm, 1) : 1e9;
      }
      const cycles = core.executeInstruction();
      this.instructions++;
      this.cycles += cycles;
      if (this.onInstruction) this.onInstruction(core.PC, cycles);
      if (this.failure) return 0;
      clock.tick(cycles * nanos);
      for (owed += cycles; owed >= period; owed -= period) if (link.active) link.step();
    }
    this.owed = owed;
    return 0;
  }

  // defmt-rtt's one channel: a ring in RAM, of which the reader moves the reading end.
  drainLog() {
    const block = this.elf.symbols.get("_SEGGER_RTT")?.address;
    if (!block) return;
    const ram = this.mcu.sramView;
    const at = block - RAM;
    if (ram.getUint32(at, true) !== 0x47474553) return; // "SEGG": not written yet
    const [buffer, size, write, read] = [28, 32, 36, 40].map((field) => ram.getUint32(at + field, true));
    if (!size || write === read) return;
    const ring = this.mcu.sram.subarray(buffer - RAM, buffer - RAM + size);
    const bytes = read < write ? [ring.slice(read, write)] : [ring.slice(read), ring.slice(0, write)];
    ram.setUint32(at + 40, write, true);
    this.onLog(Buffer.concat(bytes));
  }
}

const now = () => Number(process.hrtime.bigint());
const turn = () => new Promise((resolve) => setImmediate(resolve));
