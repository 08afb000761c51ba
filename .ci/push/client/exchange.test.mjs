// A thousand messages each way while connections break, over each technique: they come in order, none is lost, none comes twice.
// Not here: what else the client does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TECHNIQUES, begin, eventually, plain, turn, until } from './harness.mjs';

/** Message number `n`: text or binary, of all lengths, with what is special somewhere. */
function message(n) {
  if (n % 5 === 3) return Uint8Array.from({ length: (n % 37) + 2 }, (_, i) => [n, n >> 8][i] ?? i * n).buffer;
  return `${n} ${['', 'é', '\u2028</script>', '😀', '"\\\r\n\0'][n % 5]}${'x'.repeat(n % 23)}`;
}

/** Sends 1000 messages each way, and looks at what comes. */
async function exchange(t, { server, socket, log }, pace = 4) {
  await until(socket, 'open');
  const all = Array.from({ length: 1000 }, (_, n) => message(n));
  for (const [n, data] of all.entries()) {
    socket.send(data);
    const sent = typeof data === 'string' ? data : Buffer.from(data);
    if (n % 3) server.publish(sent);
    else server.session.send(sent);
    if (n % pace === 0) await turn();
  }
  const { got } = server.session;
  await eventually(() => log.length >= 1000 && got.length >= 1000 && socket.bufferedAmount === 0);
  // What is for one session may overtake what is for all.
  const of = (list, isOwn) => list.filter((data) => (numberOf(data) % 3 === 0) === isOwn).map(plain);
  for (const isOwn of [true, false]) assert.deepEqual(of(log, isOwn), of(all, isOwn));
  assert.equal(log.length, 1000);
  assert.deepEqual(got.map(plain), all.map(plain));
  assert.equal(server.counts.gaps, 0);
  assert.ok(server.counts.cuts >= 20, `${server.counts.cuts} cuts`);
  t.diagnostic(`${server.counts.cuts} connections cut, ${server.counts.failed} of ${server.counts.posts} requests with messages failed`);
}

for (const name of TECHNIQUES) {
  test(`${name}: 1000 messages each way, in order, none lost, none twice, whatever breaks`, { timeout: 30000 }, async (t) => {
    // Of a WebSocket the messages of both sides count. That a document broke off is seen by its silence alone.
    const { cut, ...more } = { 'websocket': { cut: 60 }, 'html-streaming': { cut: 40, timeout: 60 } }[name] || { cut: 25 };
    const trouble = { seed: name.length, cut, repeat: 0.5, fail: 0.4, ping: 10 };
    const all = await begin(t, { trouble, transports: [name], ...more });
    const names = new Set();
    all.socket.ontransport = () => names.add(all.socket.transport);
    await exchange(t, all);
    assert.deepEqual([...names].filter(Boolean), [name]);
  });
}

test('the same while one technique takes over from the other', { timeout: 30000 }, async (t) => {
  const trouble = { seed: 11, cut: 8, repeat: 0.5, fail: 0.4 };
  const all = await begin(t, { trouble, transports: ['websocket', 'sse', 'long-polling', 'jsonp'] });
  const taken = [];
  all.socket.ontransport = () => {
    taken.push(all.socket.transport);
    trouble.refuse = taken.length % 9 < 3;
  };
  await exchange(t, all, 1);
  assert.ok(new Set(taken).size >= 4, `${new Set(taken).size}`);
  const changes = taken.filter(Boolean).filter((name, i, names) => i && name !== names[i - 1]).length;
  assert.ok(changes >= 5, `${changes} changes`);
  t.diagnostic(`${changes} changes of technique`);
});

/** Which message it was. */
const numberOf = (data) => (typeof data === 'string' ? parseInt(data, 10) : ((b) => b[0] + b[1] * 256)(new Uint8Array(data)));
