// Counts cycles in a program for the RP2040 that needs no radio: `node bench.mjs ELF`. The program marks begin and end of
// a stretch by BKPT 0xCC with an even number, then the next odd one, in r0, and writes and exits by semihosting (BKPT
// 0xAB). Prints the program's output and a line for each stretch; exits as the program does.

import { PicoW } from "./machine.mjs";

const [MARK, SEMIHOSTING] = [0xcc, 0xab];
const [OPEN, WRITE0, WRITE, EXIT] = [0x01, 0x04, 0x05, 0x18]; // operations of semihosting
const EXITED_WELL = 0x20026;

const machine = new PicoW(process.argv[2], { realTime: false });
const { mcu } = machine;
const marks = [];
let status = null;

mcu.onBreak = (code) => {
  const { registers } = mcu.core;
  if (code === MARK) marks.push({ mark: registers[0], cycles: machine.cycles, instructions: machine.instructions });
  else if (code === SEMIHOSTING) semihosting(registers);
  else machine.fault(`UDF or BKPT ${code}`);
};

await machine.run(() => status !== null);
for (let n = 0; n + 1 < marks.length; n += 2) {
  const [begin, end] = marks.slice(n, n + 2);
  const [cycles, instructions] = [end.cycles - begin.cycles, end.instructions - begin.instructions];
  console.log(`stretch ${begin.mark / 2}: ${cycles} cycles, ${instructions} instructions`);
}
console.log(`${machine.stackUsed} bytes of stack used`);
if (machine.failure) console.error(machine.failure);
process.exit(machine.failure ? 1 : status);

function semihosting(registers) {
  const at = registers[1];
  const word = (n) => mcu.readUint32(at + 4 * n);
  if (registers[0] === OPEN) {
    registers[0] = 1;
  } else if (registers[0] === WRITE0) {
    let length = 0;
    while (mcu.readUint8(at + length)) length++;
    process.stdout.write(machine.read(at, length));
  } else if (registers[0] === WRITE) {
    process.stdout.write(machine.read(word(1), word(2)));
    registers[0] = 0;
  } else if (registers[0] === EXIT) {
    status = at === EXITED_WELL ? 0 : 1;
  }
}
