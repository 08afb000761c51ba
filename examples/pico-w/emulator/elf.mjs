// An ELF file of the RP2040: what to load where, what lies where in RAM, and which function an address belongs to.
// Not here: anything that runs.

import fs from "node:fs";

export class Elf {
  // `segments`: [{ address, data }] to load; `sections`: name -> { address, size }; `symbols`: name -> { address, size }.
  constructor(file) {
    const bytes = fs.readFileSync(file);
    if (bytes.readUInt32BE(0) !== 0x7f454c46) throw new Error(`${file} is no ELF file`);
    this.segments = segments(bytes);
    const table = sections(bytes);
    this.sections = new Map(table.map((section) => [section.name, section]));
    this.symbols = symbols(bytes, table);
    this.functions = [...this.symbols]
      .filter(([name, { address, size }]) => size && inFlash(address) && !name.startsWith("$"))
      .map(([name, { address, size }]) => ({ name: readable(name), start: address & ~1, end: (address & ~1) + size }))
      .sort((a, b) => a.start - b.start);
  }

  // The name of the function that `address` lies in, or the address.
  nameAt(address) {
    const at = this.functions.find(({ start, end }) => address >= start && address < end);
    return at ? at.name : `0x${address.toString(16)}`;
  }

  // RAM that is taken from the start to the end: all but the stack.
  get staticRam() {
    let sum = 0;
    for (const { address, size } of this.sections.values()) if (inRam(address)) sum += size;
    return sum;
  }

  // Where the stack may grow down to.
  get stackEnd() {
    let end = 0x20000000;
    for (const { address, size } of this.sections.values()) if (inRam(address)) end = Math.max(end, address + size);
    return (end + 3) & ~3;
  }
}

export const inFlash = (address) => address >= 0x10000000 && address < 0x11000000;
export const inRam = (address) => address >= 0x20000000 && address < 0x20042000;

function segments(bytes) {
  const [offset, size, count] = [bytes.readUInt32LE(28), bytes.readUInt16LE(42), bytes.readUInt16LE(44)];
  const found = [];
  for (let n = 0; n < count; n++) {
    const at = offset + size * n;
    const [kind, start, , address, length] = [0, 4, 8, 12, 16].map((field) => bytes.readUInt32LE(at + field));
    if (kind === 1 && length) found.push({ address, data: bytes.subarray(start, start + length) });
  }
  return found;
}

function sections(bytes) {
  const [offset, size, count] = [bytes.readUInt32LE(32), bytes.readUInt16LE(46), bytes.readUInt16LE(48)];
  const field = (n, at) => bytes.readUInt32LE(offset + size * n + at);
  const names = field(bytes.readUInt16LE(50), 16);
  return Array.from({ length: count }, (_, n) => ({
    name: text(bytes, names + field(n, 0)),
    kind: field(n, 4),
    address: field(n, 12),
    offset: field(n, 16),
    size: field(n, 20),
    link: field(n, 24),
  }));
}

function symbols(bytes, table) {
  const found = new Map();
  for (const { kind, offset, size, link } of table) {
    if (kind !== 2) continue;
    for (let at = offset; at < offset + size; at += 16) {
      const name = text(bytes, table[link].offset + bytes.readUInt32LE(at));
      if (name) found.set(name, { address: bytes.readUInt32LE(at + 4), size: bytes.readUInt32LE(at + 8) });
    }
  }
  return found;
}

function text(bytes, start) {
  return bytes.toString("latin1", start, bytes.indexOf(0, start));
}

// `_ZN4core3fmt5write17h0123456789abcdefE` as `core::fmt::write`.
function readable(name) {
  if (!name.startsWith("_ZN")) return name;
  const parts = [];
  for (let rest = name.slice(3); ; ) {
    const length = parseInt(rest, 10);
    if (!length) break;
    rest = rest.slice(String(length).length);
    parts.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  if (/^h[0-9a-f]{16}$/.test(parts.at(-1))) parts.pop();
  const escapes = { LT: "<", GT: ">", RF: "&", BP: "*", C: ",", LP: "(", RP: ")", u20: " ", u7b: "{", u7d: "}", u5b: "[", u5d: "]", u27: "'", u3b: ";", u2b: "+" };
  const plain = (part) => part.replace(/^_(?=\$)/, "").replace(/\$(\w+)\$/g, (all, code) => escapes[code] ?? all).replace(/\.\./g, "::");
  return parts.map(plain).join("::");
}
