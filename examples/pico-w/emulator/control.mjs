// Commands for tests: one a line over a Unix socket, each answered by one line of JSON. `help` lists them.

import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import net from "node:net";
import { ask } from "./station.mjs";

// Each takes the words after its name and returns what the answer holds beside `ok`.
const commands = {
  help: () => ({ commands: Object.keys(commands) }),
  "led?": ({ machine }) => ({ led: machine.radio.led }),
  "link?": ({ machine, network }) => ({ link: machine.radio.link, port: network.port }),
  droplink: ({ machine }) => machine.radio.dropLink(),
  restorelink: ({ machine }) => machine.radio.restoreLink(),
  // `temperature 31.5` fixes it, `temperature auto` lets it go, `temperature` tells.
  temperature({ machine: { sensor } }, celsius) {
    if (celsius !== undefined) sensor.fixed = celsius === "auto" ? null : number(celsius);
    return { celsius: sensor.celsius };
  },
  // `loss 0.01`: the part of the frames that is lost from now on.
  loss: ({ network }, part) => void (network.loss = number(part)),
  stats: ({ machine, network }) => ({
    ...machine.radio.stats,
    lost: network.lost,
    seconds: machine.seconds,
    instructions: machine.instructions,
    cycles: machine.cycles,
  }),
  ram: ({ machine }) => ({
    static: machine.elf.staticRam,
    stackUsed: machine.stackUsed,
    stackSize: machine.stackTop - machine.elf.stackEnd,
  }),
  // `peek SYMBOL|ADDRESS [LENGTH]`: bytes of the board's memory, and their SHA-256.
  peek({ machine }, what, length) {
    const symbol = machine.elf.symbols.get(what);
    const bytes = machine.read(symbol?.address ?? number(what), length ? number(length) : (symbol?.size ?? 4));
    return { hex: bytes.toString("hex"), sha256: createHash("sha256").update(bytes).digest("hex") };
  },
  // Asks the board, as a station in its own network, for an address.
  dhcp: async ({ network }) => ask(network),
  quit: ({ quit }) => void setImmediate(quit),
};

function number(text) {
  const value = Number(text);
  if (text === undefined || Number.isNaN(value)) throw new Error(`${text} is no number`);
  return value;
}

// `context`: { machine, network, quit }.
export function listen(path, context) {
  rmSync(path, { force: true });
  const server = net.createServer((socket) => {
    let text = "";
    socket.on("error", () => {}); // it went away; so be it
    socket.on("data", async (chunk) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop();
      for (const line of lines) socket.write(JSON.stringify(await obey(line, context)) + "\n");
    });
  });
  server.listen(path);
  return server;
}

async function obey(line, context) {
  const [name, ...words] = line.trim().split(/\s+/);
  if (!Object.hasOwn(commands, name)) return { ok: false, error: `no command ${name}; try help` };
  try {
    const answer = await commands[name](context, ...words);
    context.machine.wake();
    return { ok: true, ...answer };
  } catch (error) {
    return { ok: false, error: error.message };
  }
}
