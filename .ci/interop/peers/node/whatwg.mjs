// The WebSocket of browsers, as a client. `node whatwg.mjs undici URL`: the library's; `node --experimental-websocket
// whatwg.mjs builtin URL`: that of Node itself. The interface can neither ping nor fragment. Both offer permessage-deflate, and
// there is no way to say how; what they send they leave plain. `compressed EXTENSION URL...` in place of the URL: the scenario
// with compression.

import { once } from "node:events";
import { OFFERED, Queue, runClient, runCompressed } from "./scenario.mjs";

const [which, ...args] = process.argv.slice(2);
const { WebSocket } = which === "undici" ? await import("undici") : globalThis;

async function open(url) {
  const ws = new WebSocket(url, OFFERED);
  ws.binaryType = "arraybuffer";
  const queue = new Queue();
  const closed = new Promise((resolve, reject) => {
    ws.onclose = ({ code, reason, wasClean }) => {
      queue.end();
      if (wasClean) resolve([code, reason]);
      else reject(new Error(`not clean: ${code} ${reason}`));
    };
  });
  closed.catch(() => {}); // who does not wait for it does not care
  ws.onmessage = ({ data }) => queue.push(typeof data === "string" ? data : Buffer.from(data));
  await once(ws, "open");
  return {
    protocol: ws.protocol,
    extensions: ws.extensions,
    send: (message) => ws.send(message),
    read: () => queue.read(),
    close: (code, reason) => ws.close(code, reason),
    closed,
  };
}

if (args[0] === "compressed") await runCompressed(open, args.slice(1));
else await runClient(open, args[0]);
