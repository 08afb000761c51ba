// A station in the board's own network, as far as asking for an address goes: DHCPDISCOVER, then DHCPREQUEST (RFC 2131
// 3.1). The relay answers for everything else.

import { randomBytes } from "node:crypto";

const MAC = Buffer.from([2, 0, 0, 0, 0, 99]);
const [DISCOVER, OFFER, REQUEST, ACKNOWLEDGE] = [1, 2, 3, 5];
const [MESSAGE, ADDRESS, SERVER, END] = [53, 50, 54, 255];

// Gives { address, server } or throws.
export async function ask(network, { timeout = 5000 } = {}) {
  const transaction = randomBytes(4);
  const offer = await exchange(network, transaction, [MESSAGE, 1, DISCOVER], OFFER, timeout);
  const request = [MESSAGE, 1, REQUEST, ADDRESS, 4, ...offer.address, SERVER, 4, ...offer.server];
  const lease = await exchange(network, transaction, request, ACKNOWLEDGE, timeout);
  return { address: lease.address.join("."), server: lease.server.join(".") };
}

function exchange(network, transaction, options, wanted, timeout) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      network.taps.delete(tap);
      settle(value);
    };
    const tap = (frame) => {
      const answer = parse(Buffer.from(frame), transaction);
      if (answer?.kind === wanted) end(resolve, answer);
    };
    const timer = setTimeout(() => end(reject, new Error(`no answer of kind ${wanted}`)), timeout);
    network.taps.add(tap);
    network.arrive(build(transaction, options));
  });
}

function build(transaction, options) {
  const message = Buffer.alloc(300);
  message.set([1, 1, 6]); // request, Ethernet, six bytes
  message.set(transaction, 4);
  message.writeUInt16BE(0x8000, 10); // answer by broadcast
  message.set(MAC, 28);
  message.set([0x63, 0x82, 0x53, 0x63, ...options, END], 236);
  const udp = Buffer.alloc(8);
  [68, 67, 8 + message.length, 0].forEach((value, n) => udp.writeUInt16BE(value, 2 * n)); // no checksum: IPv4 allows it
  const ip = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
  ip.writeUInt16BE(ip.length + udp.length + message.length, 2);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([Buffer.alloc(6, 255), MAC, Buffer.from([8, 0]), ip, udp, message]);
}

function checksum(bytes) {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function parse(frame, transaction) {
  const message = frame.subarray(42);
  if (frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 17 || !message.subarray(4, 8).equals(transaction)) return null;
  const found = { address: [...message.subarray(16, 20)] };
  for (let at = 240; at < message.length && message[at] !== END; at += 2 + message[at + 1]) {
    if (message[at] === MESSAGE) found.kind = message[at + 2];
    if (message[at] === SERVER) found.server = [...message.subarray(at + 2, at + 6)];
  }
  return found;
}
