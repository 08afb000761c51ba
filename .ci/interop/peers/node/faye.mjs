// The library `faye-websocket` with its extension `permessage-deflate` as a peer. `node faye.mjs server EXTENSION...`: listens
// once for each that it is to agree on, and says where; `node faye.mjs compressed EXTENSION URL...`: the scenario with
// compression. It does not fragment.

import { once } from "node:events";
import { createServer } from "node:http";
import WebSocket from "faye-websocket";
import deflate from "permessage-deflate";
import { OFFERED, PATTERN, Queue, SPOKEN, parameters, runCompressed } from "./scenario.mjs";

// `own` is the role of this end, `peer` that of the other.
function configured(extension, own, peer) {
  const params = parameters(extension);
  const options = {
    noContextTakeover: params[`${own}_no_context_takeover`] && true,
    maxWindowBits: params[`${own}_max_window_bits`],
    requestNoContextTakeover: params[`${peer}_no_context_takeover`] && true,
    requestMaxWindowBits: params[`${peer}_max_window_bits`],
  };
  return deflate.configure(Object.fromEntries(Object.entries(options).filter(([, value]) => value)));
}

async function serve(extension) {
  const server = createServer();
  server.on("upgrade", (request, socket, body) => {
    const extensions = [configured(extension, "server", "client")];
    const ws = new WebSocket(request, socket, body, [SPOKEN], { extensions });
    ws.on("message", ({ data }) => ws.send(data === "please fragment" ? PATTERN : data));
    ws.on("close", ({ code, reason }) => console.log(`closed ${code} ${reason}`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  console.log(`listening ${server.address().port}`);
}

async function open(url, extension) {
  const ws = new WebSocket.Client(url, OFFERED, { extensions: [configured(extension, "client", "server")] });
  const queue = new Queue();
  const closed = new Promise((resolve) => ws.on("close", ({ code, reason }) => resolve([code, reason])));
  const failed = new Promise((_, reject) => ws.on("error", ({ message }) => reject(new Error(message))));
  ws.on("message", ({ data }) => queue.push(data));
  ws.on("close", () => queue.end());
  await Promise.race([new Promise((resolve) => ws.on("open", resolve)), failed]);
  failed.catch(() => {}); // later ones show as messages that do not come
  const send = (message) => ws.send(message);
  return { send, read: () => queue.read(), close: (code, reason) => ws.close(code, reason), closed };
}

const [what, ...args] = process.argv.slice(2);
if (what === "compressed") await runCompressed(open, args);
else for (const extension of args) await serve(extension);
