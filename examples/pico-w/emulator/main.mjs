// Runs an ELF file on an emulated Pico W: `node main.mjs ELF [options]`, see `usage`. The firmware's log goes to stdout,
// what the emulator has to say to stderr, in lines that begin with [emu].

import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { listen } from "./control.mjs";
import { PicoW } from "./machine.mjs";
import { Network } from "./network.mjs";
import { Profile } from "./profile.mjs";

const usage = `usage: node main.mjs ELF [options]
  --port N            the host's port that leads to the board; 0, the default, picks a free one
  --board-port N      the board's port behind it, 80 unless given
  --bits              move the radio's data bit by bit: truer, and slower
  --loss PART         lose that part of all frames, e.g. 0.01
  --seed N            which ones are lost
  --network NAME      the network within reach, "emunet" unless given
  --password TEXT     its password, "password" unless given; empty for an open one
  --droplink AT[:FOR] take the access point away AT seconds after the start, for FOR seconds or for good
  --seconds N         end after N seconds
  --control PATH      take commands on a Unix socket, see control.mjs
  --defmt-print PATH  decode the log with this program
  --profile N         at the end, list the N functions that took most cycles
  --log               tell what the radio is told`;

const text = (value) => ({ type: "string", default: value });
const options = {
  port: text("0"),
  "board-port": text("80"),
  bits: { type: "boolean" },
  loss: text("0"),
  seed: text("1"),
  network: text("emunet"),
  password: text("password"),
  droplink: text(),
  seconds: text("Infinity"),
  control: text(),
  "defmt-print": text(),
  profile: text(),
  log: { type: "boolean" },
};

const { values, file } = commandLine();
const say = (message) => console.error(`[emu] ${message}`);
const start = process.hrtime.bigint();
const radio = {
  network: values.network,
  password: values.password,
  log: values.log ? (message) => say(`radio: ${message}`) : undefined,
};
const machine = new PicoW(file, { radio, bits: values.bits });
const network = new Network(machine, {
  port: Number(values.port),
  boardPort: Number(values["board-port"]),
  loss: Number(values.loss),
  seed: Number(values.seed),
  log: say,
});
let quit = false;
const end = () => {
  quit = true;
  machine.wake();
};

process.on("exit", () => network.stop());
process.on("SIGTERM", end);
process.on("SIGINT", end);
const decoder = decodeLog();
watchRadio();
dropLink();
const control = values.control && listen(values.control, { machine, network, quit: end });
const profile = values.profile && new Profile(machine);
const elapsed = () => Number(process.hrtime.bigint() - start) / 1e9;
await machine.run(() => quit || elapsed() > Number(values.seconds));
await finish();

function commandLine() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length !== 1) throw new Error("one ELF file, please");
    return { values, file: positionals[0] };
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

// The firmware logs frames of defmt, which say what they mean only together with the ELF file.
function decodeLog() {
  if (!values["defmt-print"]) return null;
  const decoder = spawn(values["defmt-print"], ["-e", file], { stdio: ["pipe", "inherit", "inherit"] });
  decoder.on("error", (error) => machine.fail(`the log's decoder does not start: ${error.message}`));
  decoder.stdin.on("error", () => {}); // it ended before us
  machine.onLog = (bytes) => decoder.stdin.write(bytes);
  return decoder;
}

function watchRadio() {
  machine.radio.onLed = (on) => say(`led ${on ? "on" : "off"}`);
  machine.radio.onLink = (link) => {
    say(`link: ${link} (${usageSoFar()})`);
    if (link !== "down") network.start(link);
  };
  network.onReachable = (port) => say(`open http://127.0.0.1:${port}/`);
}

function dropLink() {
  if (!values.droplink) return;
  const [at, length] = values.droplink.split(":").map(Number);
  const later = (seconds, what, act) =>
    setTimeout(() => {
      say(what);
      act();
      machine.wake();
    }, seconds * 1000);
  later(at, "the access point is gone", () => machine.radio.dropLink());
  if (length) later(at + length, "the access point is back", () => machine.radio.restoreLink());
}

function usageSoFar() {
  const { user, system } = process.cpuUsage();
  const cpu = ((user + system) / 1e6).toFixed(2);
  return `${elapsed().toFixed(2)} s, of the board ${machine.seconds.toFixed(3)} s, ${cpu} s of CPU, ${machine.instructions} instructions`;
}

// 0, or 1 if the board came to grief; the log that led there is shown to its end.
async function finish() {
  machine.drainLog();
  if (decoder?.exitCode === null) {
    const ended = new Promise((resolve) => decoder.on("exit", resolve));
    decoder.stdin.end();
    await ended;
  }
  if (profile) profile.table(Number(values.profile)).forEach((line) => say(line));
  if (machine.failure) say(machine.failure);
  say(`end (${usageSoFar()}): ${JSON.stringify(machine.radio.stats)}, ${machine.stackUsed} bytes of stack used`);
  control?.close?.();
  process.exit(machine.failure ? 1 : 0);
}
