// The library `ws` as a peer. `node ws.mjs server`: listens and says where; `node ws.mjs client URL`: checks.
// `node ws.mjs server EXTENSION...`: listens once for each that it is to agree on; `node ws.mjs compressed EXTENSION URL...`:
// the scenario with compression.

import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { OFFERED, Queue, SPOKEN, fragments, parameters, runClient, runCompressed } from "./scenario.mjs";

function sendFragments(ws, bytes) {
  const pieces = fragments(bytes);
  pieces.forEach((piece, n) => ws.send(piece, { binary: true, fin: n + 1 === pieces.length }));
}

async function pong(ws) {
  ws.ping("interop");
  const [payload] = await once(ws, "pong");
  if (payload.toString() !== "interop") throw new Error(`a Pong with ${payload}`);
}

// What the library is told; without an extension it is left as it is.
function deflate(extension) {
  if (!extension) return true;
  const params = parameters(extension);
  const options = {
    serverNoContextTakeover: "server_no_context_takeover" in params,
    clientNoContextTakeover: "client_no_context_takeover" in params,
    serverMaxWindowBits: params.server_max_window_bits,
    clientMaxWindowBits: params.client_max_window_bits,
  };
  // What is not asked for is left out: `false` would rule it out.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value));
}

async function serve(extension) {
  const handleProtocols = (offered) => offered.has(SPOKEN) && SPOKEN;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: deflate(extension), handleProtocols });
  await once(server, "listening");
  console.log(`listening ${server.address().port}`);
  server.on("connection", (ws) => {
    ws.on("error", (error) => console.log(`error ${error.message}`));
    ws.on("close", (code, reason) => console.log(`closed ${code} ${reason}`));
    ws.on("message", async (data, isBinary) => {
      const text = isBinary ? "" : data.toString();
      const close = /^please close (\d+) (.*)$/s.exec(text);
      if (close) {
        ws.close(Number(close[1]), close[2]);
      } else if (text === "please ping") {
        await pong(ws);
        ws.send("pong");
      } else if (text === "please fragment") {
        sendFragments(ws);
      } else {
        ws.send(data, { binary: isBinary });
      }
    });
  });
}

// Offers permessage-deflate, as it does by default.
async function open(url, extension) {
  const ws = new WebSocket(url, OFFERED, { perMessageDeflate: deflate(extension) });
  const queue = new Queue();
  const closed = once(ws, "close").then(([code, reason]) => [code, reason.toString()]);
  ws.on("message", (data, isBinary) => queue.push(isBinary ? data : data.toString()));
  ws.on("close", () => queue.end());
  await once(ws, "open");
  return {
    protocol: ws.protocol,
    extensions: ws.extensions,
    send: (message) => ws.send(message),
    sendFragments: (bytes) => sendFragments(ws, bytes),
    read: () => queue.read(),
    ping: () => pong(ws),
    close: (code, reason) => ws.close(code, reason),
    closed,
  };
}

const [what, ...args] = process.argv.slice(2);
if (what === "client") await runClient(open, args[0]);
else if (what === "compressed") await runCompressed(open, args);
else for (const extension of args.length > 0 ? args : [""]) await serve(extension);
