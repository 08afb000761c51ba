// What the client of the push transports does beside carrying messages: which technique it takes, when it comes back, how it
// ends, what it says was lost, and how large it is. Not here: whether messages come as they are sent; real browsers; the real server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { QUICK, TECHNIQUES, begin, eventually, plain, turn, until } from './harness.mjs';
import { page, squeezed } from './page.mjs';

const LIMIT = 4096; // bytes

// --- What gets through which proxy ---

const NO_FETCH = ['WebSocket', 'EventSource', 'fetch'];
for (const [what, chosen, trouble, without, options] of [
  ['nothing in the way', 'websocket', {}],
  ['upgrades are refused', 'sse', { refuse: true }],
  ['upgrades are refused, by a browser without EventSource', 'xhr-streaming', { refuse: true }, ['EventSource']],
  ['upgrades are refused, streams held back', 'long-polling', { refuse: true, hold: true }, [], { timeout: 500 }],
  ['connections are cut after 60 ms', 'long-polling', { longest: 60 }, [], { wait: 30 }],
  ['connections are cut after 60 ms, upgrades refused, streams held back', 'long-polling',
    { longest: 60, refuse: true, hold: true }, [], { wait: 30 }],
  ['the browser has scripts alone', 'jsonp', {}, NO_FETCH],
  ['the browser has scripts alone, and the server refuses them', 'html-streaming', { jsonp: false }, NO_FETCH],
]) {
  test(`${what}: ${chosen}`, { timeout: 20000 }, async (t) => {
    const { server, socket, log } = await begin(t, { trouble, without, ...options });
    await until(socket, 'transport', () => socket.transport === chosen);
    const sends = chosen !== 'html-streaming'; // there it would need fetch
    for (let n = 0; n < 50; n++) {
      server.publish(`down ${n}`);
      if (sends) socket.send(`up ${n}`);
      await turn();
    }
    await eventually(() => log.length >= 50 && (!sends || server.session.got.length >= 50));
    assert.deepEqual(log, Array.from({ length: 50 }, (_, n) => `down ${n}`));
    if (sends) assert.deepEqual(server.session.got, Array.from({ length: 50 }, (_, n) => `up ${n}`));
    assert.equal(socket.transport, chosen);
  });
}

test('a server that goes and comes back is found again, by the technique that worked', { timeout: 20000 }, async (t) => {
  const { server, self, socket, log } = await begin(t);
  await until(socket, 'open');
  const names = [];
  socket.ontransport = () => names.push(socket.transport);
  await server.close();
  server.publish('meanwhile');
  await eventually(() => self.sockets.length > 3);
  assert.equal(socket.readyState, socket.OPEN);
  await server.again();
  await until(socket, 'message');
  assert.deepEqual(log, ['meanwhile']);
  assert.equal(names[0], '');
});

test('a technique that worked is tried again before the next', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { trouble: { refuse: true } });
  await until(socket, 'open');
  server.trouble.refuse = false;
  for (let n = 0; n < 2; n++) {
    server.cut();
    await until(socket, 'transport', () => socket.transport !== '');
    assert.equal(socket.transport, 'sse');
  }
  server.cut(); // the third time soon after it opened
  await until(socket, 'transport', () => socket.transport !== '');
  assert.equal(socket.transport, 'xhr-streaming');
});

test('a full server is asked again when it said', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { trouble: { full: 1 }, transports: ['xhr-streaming', 'long-polling'] });
  const before = Date.now();
  await until(socket, 'open');
  assert.equal(socket.transport, 'xhr-streaming');
  assert.ok(Date.now() - before >= 950);
  server.trouble.full = 1;
  socket.send('late');
  await eventually(() => socket.bufferedAmount === 0);
  assert.ok(Date.now() - before >= 1950);
});

test('without a technique that works, the socket closes when it was told to', { timeout: 20000 }, async (t) => {
  const { socket } = await begin(t, { transports: ['unheard-of', 'sse'], trouble: { full: 99 }, maxRetries: 3 });
  let errors = 0;
  socket.onerror = () => errors++;
  const { code, wasClean } = await until(socket, 'close');
  assert.deepEqual([code, wasClean, errors, socket.readyState], [1006, false, 1, socket.CLOSED]);
});

test('where no POST gets through, JSONP is taken', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { trouble: { refuse: true, posts: false } });
  await until(socket, 'open');
  assert.equal(socket.transport, 'sse');
  ['one', 'two'].forEach((data) => socket.send(data));
  await eventually(() => socket.bufferedAmount === 0);
  assert.equal(socket.transport, 'jsonp');
  assert.deepEqual(server.session.got, ['one', 'two']);
});

for (const name of ['xhr-streaming', 'html-streaming', 'multipart']) {
  test(`${name}: a response that is long enough ends, and the next goes on`, { timeout: 20000 }, async (t) => {
    const { server, socket, log } = await begin(t, { transports: [name] });
    await until(socket, 'open');
    socket.ontransport = () => assert.fail(`'${socket.transport}'`);
    for (let n = 0; n < 100; n++) server.publish(`${n}`.padEnd(1000));
    await eventually(() => log.length === 100);
    assert.deepEqual(log.map(Number), [...log.keys()]);
    assert.ok(server.counts.requests.length > 10);
    socket.ontransport = null;
  });
}

// --- Silence ---

for (const name of ['websocket', 'sse', 'html-streaming']) {
  test(`${name}: a connection that says nothing is dead`, { timeout: 20000 }, async (t) => {
    const trouble = { ping: 40 };
    const { server, socket, log } = await begin(t, { transports: [name], trouble, timeout: 600 });
    await until(socket, 'open');
    const { length } = server.counts.requests;
    await eventually(() => server.counts.pings > 20); // they alone keep it
    assert.equal(server.counts.requests.length, length);
    trouble.mute = true;
    server.publish('unheard');
    await until(socket, 'transport', () => socket.transport === '');
    trouble.mute = false;
    await until(socket, 'message');
    assert.deepEqual(log, ['unheard']);
  });
}

test('a POST that gets no answer is sent again', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { transports: ['sse'], trouble: { deaf: true }, timeout: 100 });
  await until(socket, 'open');
  socket.send('heard?');
  await eventually(() => server.counts.posts > 1);
  server.trouble.deaf = false;
  await eventually(() => socket.bufferedAmount === 0);
  assert.deepEqual(server.session.got, ['heard?']);
});

test('a connection of its own that it gave up, and that gets through late, ends nothing', { timeout: 20000 }, async (t) => {
  const { server, socket, log } = await begin(t, { transports: ['websocket'] });
  await until(socket, 'open');
  const { sid } = server.session;
  const late = new WebSocket(`${server.url.replace('http', 'ws')}?as=websocket&s=${sid}&n=1`, 'push.v1');
  await new Promise((resolve) => late.on('open', resolve));
  const end = new Promise((resolve) => late.on('close', resolve));
  server.publish('news');
  await eventually(() => log.length === 1); // it is back, and the session is its own
  server.publish('more');
  assert.equal(await end, 4000);
  await eventually(() => log.length === 2);
  assert.deepEqual(log, ['news', 'more']);
  assert.deepEqual([socket.readyState, server.session.sid], [socket.OPEN, sid]);
});

test('a page that wakes up does not wait', { timeout: 20000 }, async (t) => {
  const { server, self, socket } = await begin(t, { delay: 60000, maxDelay: 60000 });
  await until(socket, 'open');
  for (const type of ['visibilitychange', 'online']) {
    server.cut();
    await until(socket, 'transport', () => socket.transport === '');
    self.dispatchEvent(new Event(type));
    await until(socket, 'transport', () => socket.transport === 'websocket');
  }
  self.dispatchEvent(new Event('online')); // of a connection that seems to be there
  await eventually(() => server.counts.requests.length === 4);
  assert.deepEqual(self.beacons, []);
  self.dispatchEvent(Object.assign(new Event('pagehide'), { persisted: false }));
  assert.match(self.beacons[0].to, /\?s=session-\d+&since=\d+.0&n=1&close=1$/);
});

// --- The end ---

for (const name of TECHNIQUES) {
  test(`${name}: close() sends what waits, and ends the session`, { timeout: 20000 }, async (t) => {
    const { server, socket } = await begin(t, { transports: [name] });
    await until(socket, 'open');
    const { session } = server;
    socket.send('last');
    socket.send(new Blob(['words']));
    socket.close();
    assert.equal(socket.readyState, socket.CLOSING);
    const { code, wasClean } = await until(socket, 'close');
    assert.deepEqual([code, wasClean, socket.readyState, socket.transport], [1000, true, socket.CLOSED, '']);
    assert.deepEqual(session.got.map(plain), ['last', plain(Buffer.from('words'))]);
    await eventually(() => !server.sessions.has(session.sid));
  });

  for (const type of ['transport', 'open']) {
    test(`${name}: close() told of ${type} sends what waited for it`, { timeout: 20000 }, async (t) => {
      const { server, socket } = await begin(t, { transports: [name] });
      socket.send('early');
      socket.send('words');
      let session;
      socket[`on${type}`] = () => {
        session ??= server.session;
        socket.close();
      };
      const { code, wasClean } = await until(socket, 'close');
      assert.deepEqual([code, wasClean, session.got], [1000, true, ['early', 'words']]);
      await eventually(() => !server.sessions.has(session.sid));
    });
  }

  if (name !== 'short-polling') test(`${name}: the server closes, and nobody comes back`, { timeout: 20000 }, async (t) => {
    const { server, socket } = await begin(t, { transports: [name] });
    await until(socket, 'open');
    // A poll that comes later is told of a new session; so it has to be there.
    await eventually(() => !/polling|jsonp/.test(name) || /wait=[1-9]/.test(server.counts.requests.at(-1)));
    server.session.end(3001, 'enough');
    const { code, reason, wasClean } = await until(socket, 'close');
    assert.deepEqual([code, reason, wasClean], [3001, 'enough', true]);
    const { length } = server.counts.requests;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(server.counts.requests.length, length);
  });
}

test('close() before the first connection, or while nothing answers, is not clean', { timeout: 20000 }, async (t) => {
  const first = await begin(t);
  first.socket.close(4000, 'changed my mind');
  assert.equal((await until(first.socket, 'close')).code, 1006);
  const second = await begin(t, { transports: ['sse'], trouble: { deaf: true }, timeout: 300 });
  await until(second.socket, 'open');
  second.socket.close();
  assert.equal((await until(second.socket, 'close')).wasClean, false);
});

test('close() says its code and reason', { timeout: 20000 }, async (t) => {
  for (const transports of [['websocket'], ['sse']]) {
    const { socket } = await begin(t, { transports });
    assert.throws(() => socket.close(1001), { name: 'InvalidAccessError' });
    assert.throws(() => socket.close(4000, 'é'.repeat(62)), { name: 'SyntaxError' });
    await until(socket, 'open');
    socket.close(4000, 'so long');
    const { code, reason } = await until(socket, 'close');
    assert.deepEqual([code, reason], [4000, 'so long']);
  }
});

// --- What is lost ---

for (const name of TECHNIQUES) {
  test(`${name}: events that left the ring are missed aloud`, { timeout: 20000 }, async (t) => {
    const { server, socket, log } = await begin(t, { transports: [name], trouble: { ping: 40 } });
    socket.onreset = () => log.push('reset');
    await until(socket, 'open');
    server.publish('a');
    await until(socket, 'message');
    await server.close();
    server.publish('b');
    server.forget();
    server.publish('c');
    await server.again();
    await until(socket, 'message');
    assert.deepEqual(log, ['a', 'reset', 'c']);
  });

  test(`${name}: a session that is lost is replaced, and gets what the old one did not`, { timeout: 20000 }, async (t) => {
    const { server, socket, log } = await begin(t, { transports: [name], trouble: { ping: 40 } });
    socket.onreset = () => log.push('reset');
    await until(socket, 'open');
    const { session } = server;
    socket.send('old');
    await eventually(() => socket.bufferedAmount === 0);
    await server.close();
    server.sessions.clear();
    socket.send('new');
    socket.send('newer');
    server.publish('for all');
    await server.again();
    await eventually(() => log.length > 1 && server.session.got.length > 1);
    assert.deepEqual(log, ['reset', 'for all']);
    assert.deepEqual([session.got, server.session.got], [['old'], ['new', 'newer']]);
    assert.equal(server.counts.gaps, 0);
  });
}

test('a POST that finds its session gone makes the client listen anew', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { transports: ['sse'] });
  await until(socket, 'open');
  server.sessions.clear();
  socket.send('hello?');
  await until(socket, 'reset');
  await eventually(() => server.session.got.length);
  assert.deepEqual([server.session.got, server.counts.posts], [['hello?'], 2]);
});

// --- As a WebSocket has it ---

test('bufferedAmount counts the bytes that got no ack', { timeout: 20000 }, async (t) => {
  for (const transports of [['websocket'], ['sse'], ['jsonp']]) {
    const { server, socket } = await begin(t, { transports, trouble: { deaf: true } });
    socket.send('é'); // before it is open
    assert.equal(socket.bufferedAmount, 2);
    await until(socket, 'open');
    socket.send(new Uint16Array(2));
    socket.send(new Blob(['abc']));
    socket.send(12345);
    assert.equal(socket.bufferedAmount, 14);
    await eventually(() => server.session.got.length > 0);
    assert.equal(socket.bufferedAmount, 14);
    server.trouble.deaf = false;
    server.cut(); // and all is sent again
    await eventually(() => socket.bufferedAmount === 0);
    assert.deepEqual(server.session.got.map(plain), ['é', '0,0,0,0', '97,98,99', '12345']);
    socket.close();
    socket.send('in vain');
    assert.equal(socket.bufferedAmount, 7);
  }
});

test('constants, handlers, types of messages, the address', { timeout: 20000 }, async (t) => {
  const { server, self, socket } = await begin(t);
  assert.deepEqual(['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].map((name) => [self.PushSocket[name], socket[name]]),
    [[0, 0], [1, 1], [2, 2], [3, 3]]);
  assert.equal(socket.readyState, 0);
  const bytes = new Uint8Array([1, 2, 3, 4]);
  socket.send(bytes.subarray(1, 3));
  socket.send(bytes.buffer);
  bytes.fill(9); // too late
  await until(socket, 'open');
  assert.deepEqual([socket.url, socket.protocol, socket.transport], [server.url, 'push.v1', 'websocket']);
  socket.binaryType = 'blob';
  server.publish(Buffer.from([0, 1, 255]));
  const { data, lastEventId } = await until(socket, 'message');
  assert.ok(data instanceof Blob);
  assert.deepEqual([plain(await data.arrayBuffer()), lastEventId], ['0,1,255', '4294966997']);
  await eventually(() => server.session.got.length === 2);
  assert.deepEqual(server.session.got.map(plain), ['2,3', '1,2,3,4']);
  const other = new self.PushSocket(`${server.url.replace('http', 'ws')}?room=1#top`, { ...QUICK, transports: ['sse'] });
  await until(other, 'open');
  assert.match(server.counts.requests.at(-1), /^GET \/events\?room=1&s=&since=&as=sse$/);
  other.close();
  await until(other, 'close');
});

test('messages go together in one POST, up to 16 KiB, and a longer one alone', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { transports: ['sse'], trouble: { most: 20000 } });
  await until(socket, 'open');
  socket.send('a');
  for (let n = 0; n < 30; n++) socket.send('x'.repeat(1000));
  socket.send('y'.repeat(20000));
  await eventually(() => socket.bufferedAmount === 0);
  assert.equal(server.counts.posts, 1 + 2 + 1);
  socket.send('z'.repeat(20001));
  assert.equal((await until(socket, 'close')).code, 1009);
});

test('JSONP keeps to short addresses, and leaves what is longer to a POST', { timeout: 20000 }, async (t) => {
  const { server, socket } = await begin(t, { transports: ['jsonp'] });
  await until(socket, 'open');
  const sent = ['a', '%&=+# é', 'x'.repeat(1500), '"'.repeat(600), '<'.repeat(5000), 'z'];
  sent.forEach((data) => socket.send(data));
  await eventually(() => socket.bufferedAmount === 0);
  assert.deepEqual(server.session.got, sent);
  assert.ok(server.counts.requests.every((line) => line.length <= 2000));
  assert.equal(server.counts.requests.filter((line) => line.startsWith('POST')).length, 1);
});

test('a message too long for JSONP ends the socket of a page of another origin', { timeout: 20000 }, async (t) => {
  const { server } = await begin(t);
  const socket = new (page('http://elsewhere.test/').PushSocket)(server.url, { ...QUICK, transports: ['jsonp'] });
  await until(socket, 'open');
  socket.send('<'.repeat(650));
  assert.equal((await until(socket, 'close')).code, 1009);
  assert.equal(server.counts.posts, 0);
});

test(`what is served of it has at most ${LIMIT} bytes`, (t) => {
  const { length } = gzipSync(squeezed(), { level: 9 });
  t.diagnostic(`${length} bytes of gzip, ${squeezed().length} plain`);
  assert.ok(length <= LIMIT, `${length} bytes`);
});
