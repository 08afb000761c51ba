// The wires between the RP2040 and the radio chip: power on pin 23, data on 24, select on 25, clock on 29, driven by the
// first state machine of the first programmable I/O block with the program of `cyw43-pio`. Bit by bit, or, much faster,
// that program's meaning word by word. Not here: what the words say (cyw43439/bus.mjs).

const [POWER, DATA, SELECT, CLOCK] = [23, 24, 25, 29];
const WAIT = { PIN: 1, RX_FULL: 2, TX_EMPTY: 3, OUT: 5 }; // rp2040js's WaitType
const WORD_CYCLES = 64 * 2; // of the core: 32 bits, two instructions each, at half its clock

export function wire(mcu, bus, bits) {
  const { gpio } = mcu;
  const link = bits ? new Bits(mcu, bus) : new Words(mcu, bus);
  gpio[POWER].addListener(() => (bus.power = !!gpio[POWER].outputValue && gpio[POWER].outputEnable));
  gpio[SELECT].addListener(() => {
    const high = gpio[SELECT].outputValue;
    if (high && bus.selected) {
      bus.deselect();
      link.begin();
    } else if (!high && !bus.selected) {
      link.begin();
      gpio[DATA].setInputValue(false);
      bus.select();
    }
  });
  bus.onLine = (level) => gpio[DATA].setInputValue(level);
  return link;
}

// The program itself, instruction by instruction; the wires as the chip sees them.
class Bits {
  constructor(mcu, bus) {
    const { gpio } = mcu;
    this.mcu = mcu;
    [this.pio] = mcu.pio;
    [this.machine] = this.pio.machines;
    this.begin();
    // Data is taken at the rising edge of the clock while the host sends, and put on the wire at the falling one after.
    gpio[CLOCK].addListener(() => {
      if (!bus.selected) return;
      if (gpio[CLOCK].outputValue) {
        if (!bus.listening) return;
        this.input = ((this.input << 1) | (gpio[DATA].outputValue ? 1 : 0)) >>> 0;
        if (++this.inputs < 32) return;
        const word = this.input;
        this.input = this.inputs = 0;
        bus.writeWord(word);
      } else if (!bus.listening) {
        if (this.outputs === 0) [this.output, this.outputs] = [bus.readWord(), 32];
        this.outputs--;
        gpio[DATA].setInputValue(((this.output >>> this.outputs) & 1) === 1);
      }
    });
    // The program reads this one pin; rp2040js would gather all thirty for each bit.
    Object.defineProperty(this.machine, "inPins", { get: () => (gpio[DATA].rawInputValue ? 1 : 0) });
  }

  begin() {
    [this.input, this.inputs, this.output, this.outputs] = [0, 0, 0, 0];
  }

  get cycles() {
    return Math.max(1, this.machine.clockDivInt);
  }

  get active() {
    const { machine } = this;
    if (!machine.enabled) return false;
    if (!machine.waiting) return true;
    if (machine.waitType === WAIT.PIN) return this.mcu.gpio[DATA].inputValue === machine.waitPolarity;
    if (machine.waitType === WAIT.OUT || machine.waitType === WAIT.TX_EMPTY) return !machine.txFIFO.empty;
    return machine.waitType === WAIT.RX_FULL ? !machine.rxFIFO.full : true;
  }

  step() {
    this.machine.step();
    this.pio.checkChangedPins();
  }
}

// X holds how many bits go out, less one, Y how many come in; then the program waits for the chip's interrupt.
class Words {
  constructor(mcu, bus) {
    this.bus = bus;
    this.cycles = WORD_CYCLES;
    [this.pio] = mcu.pio;
    [this.machine] = this.pio.machines;
    this.phase = "start";
    const write = this.machine.writeUint32;
    this.machine.writeUint32 = (offset, value) => {
      write(offset, value);
      if (offset === 0x10 && value >>> 13 === 0) this.phase = "start"; // a forced jump, to the program's begin
    };
    this.pio.checkChangedPins = () => {};
  }

  begin() {}

  get active() {
    const { machine } = this;
    if (!machine.enabled) return false;
    if (this.phase === "event") return !this.bus.selected && this.bus.line;
    return this.phase === "in" ? !machine.rxFIFO.full : !machine.txFIFO.empty;
  }

  step() {
    const { machine, pio, bus } = this;
    if (!this.active) return;
    if (this.phase === "start") this.phase = "out";
    if (this.phase === "out") {
      const word = machine.txFIFO.pull();
      machine.updateDMATx();
      pio.checkInterrupts();
      bus.writeWord(word);
      machine.x -= 32;
      if (machine.x < 0) [machine.x, this.phase] = [0xffffffff, "in"];
    } else if (this.phase === "in") {
      machine.rxFIFO.push(bus.readWord());
      machine.updateDMARx();
      pio.checkInterrupts();
      machine.y -= 32;
      if (machine.y < 0) [machine.y, this.phase] = [0xffffffff, "event"];
    } else {
      pio.irq |= 1;
      pio.irqUpdated();
      this.phase = "start";
    }
  }
}
