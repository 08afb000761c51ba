// Runs the image in the emulator, prints what it measured as two tables, and says which bound is missed:
// `node report.mjs ELF [--check]`. The image tells by semihosting what it measures next, and marks where that begins and
// ends by BKPT 0xCC.

import { PicoW } from "../../examples/pico-w/emulator/machine.mjs";

// Bounds: ours to a bare XOR of binary payload; instructions of one call, and of all calls for one segment of frames,
// which is 2 ms at 133 MHz; instructions for a byte that is inflated or deflated, or of a head; bytes of stack of our calls.
const OF_LIMIT = 1.3;
const INSTRUCTIONS_MAX = 266_000;
const INFLATE_MAX = 160; // instructions a byte
const DEFLATE_MAX = 600; // the same, for settings with heads
const GROWTH_MAX = 1.1; // of the instructions that a byte of a head takes, from 4 KiB to 8 KiB
const STACK_MAX = { segment: 512, head: 1024 };

const [PLAIN, UNROLLED, COPY, OURS] = ["XOR, plain", "XOR, 8 words a turn", "copy", "ours"];
const OTHERS = ["embedded-websocket", "edge-ws"];

const measured = await measure(process.argv[2]);
const failures = [];
printRows(measured.filter(({ kind }) => kind === "row"));
printCalls(measured.filter(({ kind }) => kind === "segment" || kind === "head"));
printLinear(measured.filter(({ kind }) => kind === "linear"));
printInflated(measured.filter(({ kind }) => kind === "inflate"));
printDeflated(measured.filter(({ kind }) => kind === "deflate"));
for (const failure of failures) console.log(`MISSED ${failure}`);
if (failures.length === 0) console.log("all bounds are met");
process.exit(failures.length && process.argv.includes("--check") ? 1 : 0);

// [{ kind, name, size, crate, bytes, cycles, instructions, calls, longest, stack }], one for each label.
async function measure(file) {
  const machine = new PicoW(file, { realTime: false });
  const { core } = machine.mcu;
  const found = new Map();
  let [label, begin, lowest, status] = ["", null, 0, null];
  let mark = { cycles: 0, instructions: 0 }; // what a mark takes itself: known once nothing was measured

  machine.onInstruction = () => (lowest = Math.min(lowest, core.SP));
  machine.mcu.onBreak = (code) => {
    const [operation, parameter] = core.registers;
    if (code === 0xcc && operation === 1) {
      begin = { cycles: machine.cycles, instructions: machine.instructions, stack: core.SP };
      lowest = core.SP;
    } else if (code === 0xcc) {
      const cycles = machine.cycles - begin.cycles - mark.cycles;
      const instructions = machine.instructions - begin.instructions - mark.instructions;
      if (label === "nothing") mark = { cycles, instructions };
      else add(found, label, cycles, instructions, begin.stack - lowest);
    } else if (code === 0xab && operation === 0x04) {
      label = text(machine, parameter);
    } else if (code === 0xab && operation === 0x18) {
      status = parameter === 0x20026 ? 0 : 1;
    } else {
      machine.fail(`BKPT ${code}`);
    }
  };
  await machine.run(() => status !== null);
  if (machine.failure || status !== 0) {
    console.error(`the image failed: ${machine.failure ?? label}`);
    process.exit(1);
  }
  return [...found.values()];
}

function add(found, label, cycles, instructions, stack) {
  const seen = found.get(label) ?? { ...parse(label), cycles: 0, instructions: 0, calls: 0, longest: 0, stack: 0 };
  seen.cycles += cycles;
  seen.instructions += instructions;
  seen.calls++;
  seen.longest = Math.max(seen.longest, instructions);
  seen.stack = Math.max(seen.stack, stack);
  found.set(label, seen);
}

// "row|operation|bytes of a message|crate|position|bytes in all" or "segment|what|position|bytes"; "head" as "segment";
// "linear|what|bytes to be filled|bytes"; "inflate|what|number of the message|bytes of it"; "deflate" as "inflate".
function parse(label) {
  const [kind, name, ...rest] = label.split("|");
  const [size, crate] = kind === "row" ? [Number(rest[0]), rest[1]] : [null, null];
  return { kind, name, size, crate, bytes: Number(rest.at(-1)) };
}

function text(machine, address) {
  let length = 0;
  while (machine.mcu.readUint8(address + length)) length++;
  return machine.read(address, length).toString().trim();
}

// Cycles a byte of payload, the mean of the positions that were measured: one is as likely as the other.
function printRows(all) {
  const columns = [PLAIN, UNROLLED, COPY, OURS, ...OTHERS];
  console.log("Cycles a byte of payload; the others do not check the UTF-8 of text.\n");
  console.log(line(["", "bytes", ...columns], 21));
  console.log(line(["---", ...Array(columns.length + 1).fill("---:")], 21));
  for (const name of ["receive binary", "receive text", "send"]) {
    for (const size of new Set(all.map((row) => row.size))) {
      const figures = new Map();
      for (const crate of columns) {
        const rows = all.filter((row) => row.name === name && row.size === size && row.crate === crate);
        const each = rows.map(({ cycles, bytes }) => cycles / bytes);
        if (each.length) figures.set(crate, { mean: mean(each), worst: Math.max(...each) });
      }
      judge(name, size, figures);
      const cell = (crate) => figures.get(crate)?.mean.toFixed(2) ?? "-";
      console.log(line([name, size, ...columns.map(cell)], 21));
    }
  }
  console.log();
}

// Ours is lowest, on the mean and where each is worst. For binary, the header costs what it costs: it is in the bound as
// soon as a message fills a segment, against the plain loop, and counts for nothing where a message is long, against the
// faster one.
function judge(name, size, figures) {
  const ours = figures.get(OURS);
  for (const other of OTHERS) {
    for (const of of ["mean", "worst"]) {
      const theirs = figures.get(other)?.[of];
      if (!(ours?.[of] < theirs)) failures.push(`${name}, ${size} bytes, ${of}: ours ${ours?.[of]}, ${other} ${theirs}`);
    }
  }
  if (name !== "receive binary") return;
  for (const [limit, from] of [[PLAIN, 1460], [UNROLLED, 16384]]) {
    if (size < from) continue;
    const ratio = ours.worst / figures.get(limit)?.mean;
    if (!(ratio <= OF_LIMIT)) failures.push(`${name}, ${size} bytes: ${ratio.toFixed(2)} times ${limit}`);
  }
}

// The most of any position.
function printCalls(all) {
  console.log("What a segment of 1,460 bytes can cost us: instructions, and bytes of stack.\n");
  console.log(line(["", "calls", "longest call", "all calls", "stack"], 12, 54));
  console.log(line(["---", "---:", "---:", "---:", "---:"], 12, 54));
  for (const name of new Set(all.map((row) => row.name))) {
    const rows = all.filter((row) => row.name === name);
    const most = (field) => Math.max(...rows.map((row) => row[field]));
    const [calls, longest, whole, stack] = ["calls", "longest", "instructions", "stack"].map(most);
    console.log(line([name, calls, longest, whole, stack], 12, 54));
    const { kind } = rows[0];
    const instructions = kind === "segment" ? whole : longest;
    if (!(instructions <= INSTRUCTIONS_MAX)) failures.push(`${name}: ${instructions} instructions`);
    if (!(stack <= STACK_MAX[kind])) failures.push(`${name}: ${stack} bytes of stack`);
  }
  console.log();
}

// Of the three lengths of each kind, what every byte takes by which the second is longer than the first, and the third than the
// second: what a head of any length takes is in neither.
function printLinear(all) {
  console.log("Heads that come a byte at a time: instructions a byte.\n");
  console.log(line(["", "up to 4 KiB", "from there to 8 KiB"], 19, 54));
  console.log(line(["---", "---:", "---:"], 19, 54));
  for (const name of new Set(all.map((head) => head.name))) {
    const [short, middle, long] = all.filter((head) => head.name === name);
    const between = (a, b) => (b.instructions - a.instructions) / (b.bytes - a.bytes);
    const [first, second] = [between(short, middle), between(middle, long)];
    console.log(line([name, first.toFixed(1), second.toFixed(1)], 19, 54));
    if (!(second <= GROWTH_MAX * first)) failures.push(`${name}: from ${first} to ${second} instructions a byte`);
  }
  console.log();
  if (all.length === 0) failures.push("heads: none came a byte at a time");
}

// The most that a message takes, and how long that one is: no bound is set to it.
function longest(messages) {
  const { instructions, bytes } = messages.reduce((most, one) => (one.instructions > most.instructions ? one : most));
  return `${instructions}, ${bytes} bytes`;
}

// All messages together.
function printInflated(all) {
  const sum = (field) => all.reduce((sum, message) => sum + message[field], 0);
  const instructions = sum("instructions") / sum("bytes");
  const cells = [all.length, sum("bytes"), (sum("cycles") / sum("bytes")).toFixed(1), instructions.toFixed(1)];
  console.log("Inflating, by the small layout.\n");
  console.log(line(["", "messages", "bytes", "cycles a byte", "instructions a byte", "longest message", "stack"], 19, 26));
  console.log(line(["---", "---:", "---:", "---:", "---:", "---:", "---:"], 19, 26));
  console.log(line([all[0]?.name, ...cells, longest(all), Math.max(...all.map(({ stack }) => stack))], 19, 26));
  console.log();
  if (!(instructions <= INFLATE_MAX)) failures.push(`inflate: ${instructions} instructions a byte`);
}

// The messages of each setting together.
function printDeflated(all) {
  console.log("Deflating JSON.\n");
  console.log(line(["", "messages", "bytes", "cycles a byte", "instructions a byte", "longest message", "stack"], 19, 26));
  console.log(line(["---", "---:", "---:", "---:", "---:", "---:", "---:"], 19, 26));
  for (const name of new Set(all.map(({ name }) => name))) {
    const messages = all.filter((message) => message.name === name);
    const sum = (field) => messages.reduce((sum, message) => sum + message[field], 0);
    const a = (field) => sum(field) / sum("bytes");
    const cells = [messages.length, sum("bytes"), a("cycles").toFixed(1), a("instructions").toFixed(1)];
    console.log(line([name, ...cells, longest(messages), Math.max(...messages.map(({ stack }) => stack))], 19, 26));
    if (!name.includes("no heads") && !(a("instructions") <= DEFLATE_MAX)) {
      failures.push(`deflate, ${name}: ${a("instructions")} instructions a byte`);
    }
  }
  console.log();
  if (all.length === 0) failures.push("deflate: nothing was measured");
}

function line(cells, width, first = 16) {
  const padded = cells.map((cell, n) => (n ? String(cell).padStart(width) : String(cell).padEnd(first)));
  return `| ${padded.join(" | ")} |`;
}

function mean(figures) {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}
