// The library `ws` as a peer. `node ws.mjs server`: listens and says where; `node ws.mjs client URL`: checks.

import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { OFFERED, Queue, SPOKEN, fragments, runClient } from "./scenario.mjs";

function sendFragments(ws) {
  const pieces = fragments();
  pieces.forEach((piece, n) => ws.send(piece, { binary: true, fin: n + 1 === pieces.length }));
}

async function pong(ws) {
  ws.ping("interop");
  const [payload] = await once(ws, "pong");
  if (payload.toString() !== "interop") throw new Error(`a Pong with ${payload}`);
}

async function serve() {
  const handleProtocols = (offered) => offered.has(SPOKEN) && SPOKEN;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true, handleProtocols });
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
async function open(url) {
  const ws = new WebSocket(url, OFFERED);
  const queue = new Queue();
  const closed = once(ws, "close").then(([code, reason]) => [code, reason.toString()]);
  ws.on("message", (data, isBinary) => queue.push(isBinary ? data : data.toString()));
  ws.on("close", () => queue.end());
  await once(ws, "open");
  return {
    protocol: ws.protocol,
    extensions: ws.extensions,
    send: (message) => ws.send(message),
    sendFragments: () => sendFragments(ws),
    read: () => queue.read(),
    ping: () => pong(ws),
    close: (code, reason) => ws.close(code, reason),
    closed,
  };
}

const [role, url] = process.argv.slice(2);
if (role === "server") await serve();
else await runClient(open, url);
