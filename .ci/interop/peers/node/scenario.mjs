// What the clients in this directory check; the scenario is that of ../rust/src/lib.rs.

export const OFFERED = ["interop.v2", "interop.v1"];
export const SPOKEN = "interop.v1";
export const FRAGMENT = 64 << 10;
export const PATTERN = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, n) => n % 251));
const UNICODE =
  "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\ufeff\ufffe\uffff\u{10000}\u{10ffff} Grüße κόσμε 日本 👩\u200d🚀";
const CLIENT_CLOSE = [4002, "tschüß ✓"];
const SERVER_CLOSE = [4001, "до свидания ✓"];

export function fragments() {
  const pieces = [];
  for (let at = 0; at < PATTERN.length; at += FRAGMENT) pieces.push(PATTERN.subarray(at, at + FRAGMENT));
  return pieces;
}

function equal(got, wanted) {
  const same = Buffer.isBuffer(wanted) ? Buffer.isBuffer(got) && got.equals(wanted) : got === wanted;
  if (!same) throw new Error(`got ${String(got).slice(0, 80)}, not ${String(wanted).slice(0, 80)}`);
}

// `open(url)` makes a connection: { protocol, extensions, send(message), read(), close(code, reason), closed } and, where
// the library can, { sendFragments(), ping() }. `read` gives strings and Buffers; `closed` gives [code, reason].
export async function runClient(open, url) {
  const check = async (name, work) => {
    try {
      await work();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`FAILED ${name}: ${error.message}`);
    }
  };
  const ws = await open(url);
  const echoes = async (...messages) => {
    for (const message of messages) {
      ws.send(message);
      equal(await ws.read(), message);
    }
  };
  await check("subprotocol", async () => equal(ws.protocol, SPOKEN));
  await check("no extension", async () => equal(ws.extensions, ""));
  await check("text", () => echoes("hello"));
  await check("unicode", () => echoes(UNICODE));
  await check("binary", () => echoes(Buffer.from(Array.from({ length: 256 }, (_, n) => n))));
  await check("empty", () => echoes("", Buffer.alloc(0)));
  await check("1 MiB binary", () => echoes(PATTERN));
  await check("1 MiB text", () => echoes("é".repeat(1 << 19)));
  if (ws.sendFragments) {
    await check("fragments sent", async () => {
      ws.sendFragments();
      equal(await ws.read(), PATTERN);
    });
  }
  await check("fragments received", async () => {
    ws.send("please fragment");
    equal(await ws.read(), PATTERN);
  });
  if (ws.ping) await check("ping sent", () => ws.ping());
  await check("ping received", async () => {
    let answer;
    do {
      ws.send("please ping");
      answer = await ws.read();
    } while (answer === "not yet");
    equal(answer, "pong");
  });
  await check("close by client", async () => {
    ws.close(...CLIENT_CLOSE);
    equal((await ws.closed)[0], CLIENT_CLOSE[0]);
  });
  await check("close by server", async () => {
    const ws = await open(url);
    ws.send(`please close ${SERVER_CLOSE.join(" ")}`);
    const [code, reason] = await ws.closed;
    equal(code, SERVER_CLOSE[0]);
    equal(reason, SERVER_CLOSE[1]);
  });
}

// Messages that came and wait to be read, or the reader who waits for one.
export class Queue {
  #messages = [];
  #reader;

  push(message) {
    if (this.#reader) this.#reader.resolve(message);
    else this.#messages.push(message);
    this.#reader = undefined;
  }

  end() {
    this.#reader?.reject(new Error("closed"));
    this.read = () => Promise.reject(new Error("closed"));
  }

  read() {
    if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift());
    return new Promise((resolve, reject) => (this.#reader = { resolve, reject }));
  }
}
