// The temperature sensor of the RP2040, on channel 4 of its converter: a slow wave until it is set. rp2040js has the
// converter; here is only what it measures.

const CHANNEL = 4;

export class Sensor {
  constructor(mcu) {
    this.mcu = mcu;
    this.fixed = null; // degrees Celsius
    this.random = 1;
    Object.defineProperty(mcu.adc.channelValues, CHANNEL, { get: () => this.sample() });
  }

  // Three degrees up and down around 24, once a minute.
  get celsius() {
    return this.fixed ?? 24 + 3 * Math.sin((2 * Math.PI * this.mcu.clock.nanos) / 60e9);
  }

  // RP2040 datasheet 4.9.5. The noise of half a step to either side is what lets firmware average below one step.
  sample() {
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    const volts = 0.706 - (this.celsius - 27) * 0.001721;
    const steps = Math.floor((volts * 4096) / 3.3 + this.random / 2 ** 32);
    return Math.max(0, Math.min(4095, steps));
  }
}
