// Where the cycles go: by function, and the deepest the stack got. Costs about a third of the speed.

import { inFlash } from "./elf.mjs";

const FLASH = 0x10000000;

export class Profile {
  constructor(machine) {
    this.functions = machine.elf.functions;
    this.cycles = new Float64Array(this.functions.length + 1); // the last for what is in no function: code in RAM
    const index = new Uint16Array(1 << 20).fill(this.functions.length); // by half-words of 2 MiB
    this.functions.forEach(({ start, end }, n) => index.fill(n, (start - FLASH) >> 1, (end - FLASH) >> 1));
    machine.onInstruction = (address, cycles) => {
      this.cycles[inFlash(address) ? index[(address - FLASH) >> 1] : this.functions.length] += cycles;
    };
  }

  // Lines, the most expensive first.
  table(length) {
    const total = this.cycles.reduce((sum, cycles) => sum + cycles, 0);
    return [...this.cycles]
      .map((cycles, n) => ({ cycles, name: this.functions[n]?.name ?? "(elsewhere)" }))
      .sort((a, b) => b.cycles - a.cycles)
      .slice(0, length)
      .map(({ cycles, name }) => `${((100 * cycles) / total).toFixed(1).padStart(5)} %  ${name}`);
  }
}
