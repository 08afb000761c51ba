// The network behind the radio: QEMU's user-mode stack, run without a machine, as a relay between the board's Ethernet
// frames and the host's sockets. No rights of root. Not here: what a station does in the board's own network
// (station.mjs).

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import net from "node:net";

const WAITING = 256; // frames that wait for the radio; more are lost, as on the air

// How long a frame, of either end, has the air for itself, in nanoseconds of the board's time: waiting for silence, preamble
// and acknowledgement, then its bytes at 65 Mbit/s, the most this radio does.
const airtime = (frame) => 175e3 + (frame.length * 8) / 0.065;

// Where the board is, by the way it got onto a network.
const NETS = {
  station: { options: "", board: "10.0.2.15" },
  "access point": { options: ",net=192.168.4.0/24,host=192.168.4.254,dns=192.168.4.253,dhcpstart=192.168.4.64", board: "192.168.4.1" },
};

export class Network {
  // `loss`: the part of the frames, 0 to 1, that is lost each way. `port`: of the host, 0 for a free one; `boardPort`: of
  // the board.
  constructor(machine, { port, boardPort, loss = 0, seed = 1, log }) {
    Object.assign(this, { machine, port, boardPort, loss, log });
    this.random = seed >>> 0;
    this.waiting = [];
    this.early = []; // frames of the board from before the relay is there
    this.lost = 0;
    this.taps = new Set(); // (frame): sees each frame of the board
    this.reachable = { forwarded: false, addressed: false };
    this.onReachable = () => {}; // (port): the host can reach the board from now on
    const { radio } = machine;
    this.clock = machine.mcu.clock;
    this.silence = 0; // when the air is free
    this.turn = this.clock.createAlarm(() => this.pump());
    radio.onNext = () => this.pump();
    radio.onFrame = (frame) => {
      this.occupy(frame);
      if (this.lose()) return;
      this.taps.forEach((tap) => tap(frame));
      this.send(frame);
    };
  }

  // Starts the relay once the board is on a network, since it depends on which one; it stays from then on.
  async start(link) {
    if (this.relay) return;
    const { options, board } = NETS[link];
    const argv = ["qemu-system-arm", "-M", "none", "-nodefaults", "-display", "none", "-qmp", "stdio"];
    argv.push("-netdev", `user,id=host${options}`, "-netdev", "hubport,hubid=0,id=left,netdev=host");
    // Without a listening socket there would be a race for it: the relay calls us.
    const server = net.createServer();
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    argv.push("-netdev", `stream,id=board,server=off,addr.type=inet,addr.host=127.0.0.1,addr.port=${port}`);
    argv.push("-netdev", "hubport,hubid=0,id=right,netdev=board");
    // Where it can be had: the relay ends with us even if we are killed.
    if (existsSync("/usr/bin/setpriv")) argv.unshift("/usr/bin/setpriv", "--pdeathsig", "TERM");
    // Detached: Ctrl-C in a terminal is for us, and we end it.
    this.relay = spawn(argv[0], argv.slice(1), { stdio: "pipe", detached: true });
    let errors = "";
    this.relay.stderr.on("data", (chunk) => (errors += chunk)); // warns of a hub without network cards every time
    this.relay.on("error", (error) => this.machine.fail(`the relay does not start: ${error.message}`));
    this.relay.on("exit", () => this.machine.fail(`the relay ended: ${errors.trim()}`));
    const socket = await new Promise((resolve) => server.once("connection", resolve));
    server.close();
    this.attach(socket);
    await this.forward(board);
  }

  stop() {
    this.relay?.removeAllListeners("exit");
    this.relay?.kill();
  }

  // Frames on a stream: four bytes of length, then the frame.
  attach(socket) {
    socket.setNoDelay();
    socket.on("error", (error) => this.machine.fail(`the relay: ${error.message}`));
    this.socket = socket;
    for (const frame of this.early.splice(0)) this.send(frame);
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = bytes.length ? Buffer.concat([bytes, chunk]) : chunk;
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
        const end = 4 + bytes.readUInt32BE(0);
        this.arrive(bytes.subarray(4, end));
        bytes = bytes.subarray(end);
      }
    });
  }

  send(frame) {
    if (!this.socket) {
      this.early.push(frame);
      return;
    }
    const head = Buffer.alloc(4);
    head.writeUInt32BE(frame.length);
    this.socket.write(Buffer.concat([head, frame]));
  }

  // A frame for the board.
  arrive(frame) {
    if (this.machine.radio.link === "down" || this.waiting.length >= WAITING || this.lose()) return;
    const address = leased(frame);
    if (address) {
      this.log(`leased ${address} to the board`);
      this.reach("addressed");
    }
    this.machine.wake();
    this.waiting.push(Uint8Array.from(frame));
    this.pump();
  }

  pump() {
    const { radio } = this.machine;
    if (!this.waiting.length || !radio.room) return;
    if (this.silence > this.clock.nanos) {
      this.turn.schedule(this.silence - this.clock.nanos);
      return;
    }
    const frame = this.waiting.shift();
    this.occupy(frame);
    radio.deliver(frame);
    this.pump();
  }

  occupy(frame) {
    this.silence = Math.max(this.silence, this.clock.nanos) + airtime(frame);
  }

  lose() {
    if (!this.loss) return false;
    this.random = (Math.imul(this.random, 1664525) + 1013904223) >>> 0;
    const lost = this.random / 2 ** 32 < this.loss;
    this.lost += lost;
    return lost;
  }

  // Asks the relay, in QEMU's protocol, to pass on a port; QEMU picks a free one for 0 and tells which only in a table.
  async forward(board) {
    const ask = conversation(this.relay);
    await ask("qmp_capabilities");
    const rule = `tcp:127.0.0.1:${this.port}-${board}:${this.boardPort}`;
    const refusal = await ask("human-monitor-command", { "command-line": `hostfwd_add host ${rule}` });
    if (refusal) return this.machine.fail(`127.0.0.1:${this.port} cannot be had: ${refusal.trim()}`);
    const table = await ask("human-monitor-command", { "command-line": "info usernet" });
    this.port = Number(/HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(table)?.[1] ?? this.port);
    this.reach("forwarded");
    if (board === NETS["access point"].board) this.reach("addressed"); // it has its address by itself
  }

  // Tells, once, when the host's port leads to the board and the board has an address.
  reach(part) {
    if (this.reachable[part]) return;
    this.reachable[part] = true;
    if (this.reachable.forwarded && this.reachable.addressed) this.onReachable(this.port);
  }
}

// One request after another; events in between are nobody's answer.
function conversation(relay) {
  const waiting = [];
  let text = "";
  relay.stdout.on("data", (chunk) => {
    const lines = (text + chunk).split("\n");
    text = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const message = JSON.parse(line);
      if ("return" in message || "error" in message) waiting.shift()?.(message.return ?? message.error.desc);
    }
  });
  return (execute, args) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      relay.stdin.write(JSON.stringify({ execute, arguments: args }) + "\n");
    });
}

// The address in a DHCP acknowledgement (RFC 2131 table 1; option 53), else null.
function leased(frame) {
  const udp = frame.length > 282 && frame[12] === 8 && frame[13] === 0 && frame[23] === 17;
  if (!udp || frame[14] !== 0x45 || frame[37] !== 68) return null;
  const type = frame.indexOf(Buffer.from([53, 1]), 282);
  return type > 0 && frame[type + 2] === 5 ? [...frame.subarray(58, 62)].join(".") : null;
}
