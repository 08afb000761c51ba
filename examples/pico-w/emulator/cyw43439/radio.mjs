// What the firmware on the CYW43439 does: answers commands, joins a network or opens one, carries Ethernet frames, tells
// of events. Modelled as far as the Rust driver `cyw43` 0.7 uses it, from that driver's source: packets in SDPCM, in
// them CDC (commands) or BDC (frames, events). Not modelled: searching for networks, encryption, time on the air.

const [CONTROL, EVENTS, FRAMES] = [0, 1, 2]; // channels
const EVENT = { SET_SSID: 0, JOIN: 1, AUTH: 3, LINK: 16, PSK_SUP: 46 };
const COMMAND = { DOWN: 3, SET_SSID: 26, DISASSOC: 52, GET_VAR: 262, SET_VAR: 263, SET_WSEC_PMK: 268 };
const [SUCCESS, NO_NETWORKS, UNSOLICITED, WRONG_KEY] = [0, 3, 6, 8]; // status of events
const MOST = 16; // packets that wait for the host

export class Radio {
  // The network within reach; no password: an open one.
  constructor({ network, password, log = () => {} }) {
    Object.assign(this, { network, password, log });
    this.mac = Uint8Array.of(0x28, 0xcd, 0xc1, 0, 0, 1);
    this.inReach = true;
    this.onQueue = () => {}; // a packet waits for the host
    this.onNext = () => {}; // the host took one: there is room
    this.onFrame = () => {}; // (Uint8Array): an Ethernet frame leaves the board
    this.onLink = () => {}; // the link came or went
    this.onLed = () => {};
    this.stats = { sent: 0, received: 0, dropped: 0, commands: 0, joins: 0, refused: 0 };
    this.reset();
  }

  reset() {
    this.queue = [];
    [this.hostSequence, this.sequence, this.credit] = [0, 0, 1];
    this.link = "down"; // or "station", "access point"
    this.key = "";
    this.pins = 0;
    this.started = false; // a first attempt to join or to open a network was seen
  }

  get led() {
    return (this.pins & 1) === 1;
  }

  get room() {
    return this.queue.length < MOST;
  }

  next() {
    const packet = this.queue.shift();
    this.onNext();
    return packet;
  }

  // A frame that arrives "from the air".
  deliver(frame) {
    if (this.link === "down") return;
    if (!this.room) {
      this.stats.dropped++;
      return;
    }
    this.stats.received++;
    const body = new Uint8Array(4 + frame.length);
    body[0] = 0x20;
    body.set(frame, 4);
    this.push(FRAMES, body, 14);
  }

  dropLink() {
    this.inReach = false;
    if (this.link !== "station") return;
    this.setLink("down");
    this.event(EVENT.LINK, SUCCESS, 0, 1);
  }

  restoreLink() {
    this.inReach = true;
  }

  setLink(link) {
    if (this.link === link) return;
    this.link = link;
    this.onLink(link);
  }

  // SDPCM: length, its complement, sequence, channel, then where the body begins.
  receive(packet) {
    const length = packet[0] | (packet[1] << 8);
    if ((length ^ (packet[2] | (packet[3] << 8))) !== 0xffff) {
      this.log("a packet with a wrong header");
      return;
    }
    this.hostSequence = packet[4];
    const body = packet.subarray(packet[7], length);
    const channel = packet[5] & 0xf;
    if (channel === CONTROL) this.command(body);
    if (channel === FRAMES) {
      this.stats.sent++;
      if (this.link !== "down") this.onFrame(body.slice(4 + 4 * body[3]));
      // The host may send as long as it has credit; a packet without a body renews it.
      if (((this.credit - this.hostSequence) & 0xff) < 16 && !this.queue.length) this.push(FRAMES, new Uint8Array(0));
    }
  }

  push(channel, body, header = 12) {
    const length = header + body.length;
    this.credit = (this.hostSequence + 33) & 0xff;
    const packet = new Uint8Array(length);
    packet.set([length, length >> 8, ~length, ~length >> 8, this.sequence++, channel, 0, header, 0, this.credit]);
    packet.set(body, header);
    this.queue.push(packet);
    this.onQueue();
  }

  // CDC: command, length, flags, number, status; then the data, which the answer repeats or replaces.
  command(body) {
    this.stats.commands++;
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const [command, length] = [view.getUint32(0, true), view.getUint32(4, true)];
    const answer = body.slice(0, 16 + length);
    answer.fill(0, 12, 16);
    const data = answer.subarray(16);
    const name = command === COMMAND.GET_VAR || command === COMMAND.SET_VAR ? zeroEnded(data) : "";
    this.log(`command ${command} ${name} (${length} bytes)`);
    let after = () => {};
    if (command === COMMAND.GET_VAR) {
      data.fill(0);
      if (name === "cur_etheraddr") data.set(this.mac);
    } else if (command === COMMAND.SET_VAR) {
      after = this.setVariable(name, data.slice(name.length + 1));
    } else if (command === COMMAND.SET_WSEC_PMK) {
      this.key = Buffer.from(data.subarray(4, 4 + (data[0] | (data[1] << 8)))).toString();
    } else if (command === COMMAND.SET_SSID) {
      const network = Buffer.from(data.subarray(4, 4 + data[0])).toString();
      after = () => this.join(network);
    } else if (command === COMMAND.DOWN || command === COMMAND.DISASSOC) {
      this.setLink("down");
    }
    this.push(CONTROL, answer);
    after();
  }

  // Returns what follows the answer.
  setVariable(name, value) {
    if (name === "gpioout") {
      const before = this.led;
      this.pins = (this.pins & ~value[0]) | (value[4] & value[0]);
      if (this.led !== before) this.onLed(this.led);
    } else if (name === "sae_password") {
      this.key = Buffer.from(value.subarray(2, 2 + (value[0] | (value[1] << 8)))).toString();
    } else if (name === "bss" && value[4] === 1) {
      return () => {
        this.started = true;
        this.setLink("access point");
        this.event(EVENT.JOIN, SUCCESS);
        this.event(EVENT.LINK, SUCCESS, 1);
      };
    }
    return () => {};
  }

  join(network) {
    this.started = true;
    if (network !== this.network || !this.inReach) {
      this.stats.refused++;
      this.event(EVENT.SET_SSID, NO_NETWORKS);
      return;
    }
    this.event(EVENT.AUTH, SUCCESS);
    if (this.password && this.key !== this.password) {
      this.stats.refused++;
      this.event(EVENT.PSK_SUP, WRONG_KEY, 0, 15);
      return;
    }
    this.stats.joins++;
    this.event(EVENT.JOIN, SUCCESS);
    this.event(EVENT.LINK, SUCCESS, 1);
    if (this.password) this.event(EVENT.PSK_SUP, UNSOLICITED);
    this.event(EVENT.SET_SSID, SUCCESS);
    this.setLink("station");
  }

  // An Ethernet frame of type 0x886C in BDC, with numbers in network order.
  event(kind, status, flags = 0, reason = 0) {
    const body = new Uint8Array(4 + 14 + 10 + 48);
    const view = new DataView(body.buffer);
    body[0] = 0x20;
    body.set(this.mac, 4);
    body.set(this.mac, 10);
    view.setUint16(16, 0x886c);
    view.setUint16(18, 0x8001);
    view.setUint16(20, 0x3e);
    body.set([0x00, 0x10, 0x18], 23);
    view.setUint16(26, 1);
    view.setUint16(28, 2);
    view.setUint16(30, flags);
    view.setUint32(32, kind);
    view.setUint32(36, status);
    view.setUint32(40, reason);
    body.set(this.mac, 52);
    this.push(EVENTS, body);
  }
}

function zeroEnded(data) {
  const end = data.indexOf(0);
  return Buffer.from(data.subarray(0, end < 0 ? data.length : end)).toString("latin1");
}
