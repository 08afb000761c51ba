// What the clients in this directory check; the scenarios are those of ../rust/src/lib.rs and ../rust/src/compressed.rs.

export const OFFERED = ["interop.v2", "interop.v1"];
export const SPOKEN = "interop.v1";
export const FRAGMENT = 64 << 10;
export const PATTERN = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, n) => n % 251));
const UNICODE =
  "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\ufeff\ufffe\uffff\u{10000}\u{10ffff} Grüße κόσμε 日本 👩\u200d🚀";
const CLIENT_CLOSE = [4002, "tschüß ✓"];
const SERIES = 32;
const SERVER_CLOSE = [4001, "до свидания ✓"];

export function fragments(bytes = PATTERN) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += FRAGMENT) pieces.push(bytes.subarray(at, at + FRAGMENT));
  return pieces;
}

// Those of an extension such as `permessage-deflate; server_max_window_bits=9`.
export function parameters(extension) {
  const split = (param) => param.trim().split("=");
  return Object.fromEntries(extension.split(";").slice(1).map(split).map(([name, value]) => [name, Number(value ?? 1)]));
}

function equal(got, wanted) {
  const same = Buffer.isBuffer(wanted) ? Buffer.isBuffer(got) && got.equals(wanted) : got === wanted;
  if (!same) throw new Error(`got ${String(got).slice(0, 80)}, not ${String(wanted).slice(0, 80)}`);
}

// `open(url)` makes a connection: { protocol, extensions, send(message), read(), close(code, reason), closed } and, where
// the library can, { sendFragments(bytes), ping() }. `read` gives strings and Buffers; `closed` gives [code, reason].
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
      ws.sendFragments(PATTERN);
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

// The scenario with compression, once for each pair of an extension to offer and a URL.
export async function runCompressed(open, cases) {
  for (let n = 0; 2 * n < cases.length; n += 1) {
    try {
      await runOne(await open(cases[2 * n + 1], cases[2 * n]));
      console.log(`ok ${n}`);
    } catch (error) {
      console.log(`FAILED ${n}: ${error.message}`);
    }
  }
}

async function runOne(ws) {
  for (const message of messages()) {
    ws.send(message);
    equal(await ws.read(), message);
  }
  const large = Buffer.from(telemetry(1 << 20));
  if (ws.sendFragments) ws.sendFragments(large);
  else ws.send(large);
  equal(await ws.read(), large);
  ws.send("please fragment");
  equal(await ws.read(), PATTERN);
  const series = Array.from({ length: SERIES }, (_, n) => line(n));
  for (const message of series) ws.send(message);
  for (const message of series) equal(await ws.read(), message);
  ws.close(...CLIENT_CLOSE);
  equal((await ws.closed)[0], CLIENT_CLOSE[0]);
}

// Empty ones, the shortest, those around what our side compresses from, such as are worth compressing and such as are not.
function messages() {
  const [text, bytes] = [telemetry(1 << 20), noise(12_000)];
  const small = ["", Buffer.alloc(0), "x", "a".repeat(63), "a".repeat(64)];
  return [...small, text.slice(0, 10_000), UNICODE.repeat(50), noise(64 << 10), Buffer.concat([bytes, bytes]), text];
}

// So many bytes of such JSON as a device sends.
function telemetry(bytes) {
  let text = "";
  for (let n = 0; text.length < bytes; n += 1) text += `${line(n)}\n`;
  return text.slice(0, bytes);
}

function line(n) {
  const temperature = `${20 + (n % 7)}.${n % 10}`;
  return `{"sensor":"kitchen","seq":${n},"temperature":${temperature},"humidity":${40 + (n % 23)},"battery":"ok"}`;
}

// Bytes without a pattern; always the same.
function noise(length) {
  let state = 1;
  return Buffer.from(Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24));
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
