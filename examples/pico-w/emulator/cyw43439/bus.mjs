// The CYW43439 as its host sees it over gSPI: commands, registers, memory, the interrupt line. Modelled as far as the
// Rust driver `cyw43` 0.7 uses it, from that driver's source. Not here: what the chip does with packets (radio.mjs), and
// how bits get over the wire (../gspi.mjs).

const PACKET_AVAILABLE = 0x20; // in the interrupt register
const [BUS, BACKPLANE, PACKETS] = [0, 1, 2]; // functions of a command
const [INTERRUPT, INTERRUPT_ENABLE, STATUS, TEST] = [0x04, 0x06, 0x08, 0x14]; // registers of the bus
const [WINDOW, CLOCK, CLOCK_READY] = [0x0a, 0x0e, 0x80]; // registers of the backplane's function
const [CORE_CONTROL, CORE_RESET] = [0x18103408, 0x18103800]; // of the processor that runs the radio's firmware
const RAM = 512 * 1024;

export class Bus {
  constructor(radio) {
    this.radio = radio;
    radio.onQueue = () => this.updateLine();
    this.onLine = () => {}; // (level): the data line tells of interrupts while the chip is not selected
    this.powered = false;
    this.reset();
  }

  reset() {
    this.registers = new Uint8Array(32);
    new DataView(this.registers.buffer).setUint32(TEST, 0xfeedbead, true);
    this.whole = false; // 32-bit words; else pairs of 16-bit ones
    this.sdio = new Uint8Array(0x100);
    this.ram = new Uint8Array(RAM);
    this.memory = new Map(); // the rest of the backplane, by bytes
    this.running = false;
    this.selected = false;
    this.phase = "command";
    this.answer = [];
    this.radio.reset();
  }

  set power(on) {
    if (on && !this.powered) this.reset();
    this.powered = on;
  }

  // Selecting the chip begins a command: one word, then words to the chip, or from it; at last its status.
  select() {
    this.selected = true;
    this.phase = "command";
    this.answer = [];
  }

  deselect() {
    this.selected = false;
    this.updateLine();
  }

  get line() {
    const enabled = this.registers[INTERRUPT_ENABLE] | (this.registers[INTERRUPT_ENABLE + 1] << 8);
    return this.powered && (this.interrupts & enabled) !== 0;
  }

  get interrupts() {
    return this.radio.queue.length ? PACKET_AVAILABLE : 0;
  }

  updateLine() {
    if (!this.selected) this.onLine(this.line);
  }

  // Whether the host is the one to send.
  get listening() {
    return this.phase !== "answer";
  }

  writeWord(word) {
    if (!this.whole) word = swap(word);
    if (this.phase === "command") {
      [this.function, this.address, this.length] = [(word >>> 28) & 3, (word >>> 11) & 0x1ffff, word & 0x7ff];
      const write = word >>> 31;
      this.words = [];
      this.phase = write ? "data" : "answer";
      this.swapped = !this.whole;
      if (!write) this.answer = [...this.read(), this.status];
    } else if (this.phase === "data") {
      this.words.push(word);
      if (this.words.length < Math.max(1, (this.length + 3) >> 2)) return;
      this.swapped = !this.whole; // a write of the mode itself is answered in the old one
      this.write();
      this.answer = [this.status];
      this.phase = "answer";
    }
  }

  readWord() {
    const word = this.answer.shift() ?? 0;
    return this.swapped ? swap(word) : word;
  }

  get status() {
    const [next] = this.radio.queue;
    return (this.running ? 0x20 : 0) | (next ? 0x100 | (next.length << 9) : 0);
  }

  read() {
    const words = [];
    let byte = () => 0;
    if (this.function === BUS) byte = (n) => this.readRegister(this.address + n);
    if (this.function === BACKPLANE) {
      words.push(0); // one word of delay
      byte = (n) => this.readBackplane(n);
    }
    if (this.function === PACKETS) {
      const packet = this.radio.next() ?? [];
      byte = (n) => packet[n] ?? 0;
    }
    for (let at = 0; at < Math.max(1, this.length); at += 4) {
      let word = 0;
      for (let n = at; n < Math.min(at + 4, this.length); n++) word |= byte(n) << (8 * (n - at));
      words.push(word >>> 0);
    }
    return words;
  }

  readRegister(address) {
    if (address === INTERRUPT) return this.interrupts & 0xff;
    if (address === INTERRUPT + 1) return this.interrupts >> 8;
    if (address >= STATUS && address < STATUS + 4) return (this.status >>> (8 * (address - STATUS))) & 0xff;
    return this.registers[address & 31];
  }

  readBackplane(n) {
    if (this.address >= 0x10000) {
      const register = (this.address + n) & 0xff;
      const value = this.sdio[register];
      return register === CLOCK ? value | 0x40 | (this.running || value & 0x10 ? CLOCK_READY : 0) : value;
    }
    const address = this.backplane(n);
    if (address < RAM) return this.ram[address];
    if (address === 0x18000000) return 0xaf; // the chip's number, 43439
    if (address === 0x18000001) return 0xa9;
    return this.memory.get(address) ?? 0;
  }

  backplane(n) {
    const window = (this.sdio[WINDOW] << 8) | (this.sdio[WINDOW + 1] << 16) | (this.sdio[WINDOW + 2] << 24);
    return ((window >>> 0) + (this.address & 0x7fff) + n) >>> 0;
  }

  write() {
    const bytes = new Uint8Array(this.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = this.words[n >> 2] >>> (8 * (n & 3));
    if (this.function === BUS) bytes.forEach((byte, n) => this.writeRegister(this.address + n, byte));
    else if (this.function === BACKPLANE) bytes.forEach((byte, n) => this.writeBackplane(n, byte));
    else if (this.function === PACKETS) this.radio.receive(bytes);
  }

  writeRegister(address, byte) {
    const constant = address >= TEST && address < TEST + 4;
    if (constant || address === INTERRUPT || address === INTERRUPT + 1) return;
    this.registers[address & 31] = byte;
    if (address === 0) this.whole = !!(byte & 1);
  }

  writeBackplane(n, byte) {
    if (this.address >= 0x10000) {
      this.sdio[(this.address + n) & 0xff] = byte;
      return;
    }
    const address = this.backplane(n);
    if (address < RAM) {
      this.ram[address] = byte;
      return;
    }
    this.memory.set(address, byte);
    // Clocked and out of its reset: the processor runs the firmware that was loaded.
    if (address === CORE_CONTROL && byte === 1 && !(this.memory.get(CORE_RESET) & 1)) this.running = true;
  }
}

const swap = (word) => ((word << 16) | (word >>> 16)) >>> 0;
