// What the tests of the client share: a server and a page that live as long as a test, and waits for what happens.
// Not here: what is tested.
import { page } from './page.mjs';
import { serve } from './server.mjs';

export const TECHNIQUES = ['websocket', 'sse', 'xhr-streaming', 'long-polling', 'jsonp', 'html-streaming', 'short-polling', 'multipart'];
// The timeout is long, so that a busy machine is not taken for a proxy; tests that wait for it set another.
export const QUICK = { timeout: 4000, wait: 300, interval: 4, delay: 2, maxDelay: 15 };

/** A server and a page with a socket, for as long as the test runs. */
export async function begin(t, { trouble, without, ...options } = {}) {
  const server = await serve(trouble);
  const self = page(server.url, without);
  const socket = new self.PushSocket('/events', { ...QUICK, ...options });
  const log = [];
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => log.push(data);
  t.after(async () => {
    if (socket.readyState < socket.CLOSED) await (socket.close(), until(socket, 'close'));
    await server.close();
  });
  return { server, self, socket, log };
}

/** Ends when `socket` tells of `type`, and `is` holds. */
export const until = (socket, type, is = () => true) => new Promise((resolve) => {
  const hear = (event) => is(event) && (socket.removeEventListener(type, hear), resolve(event));
  socket.addEventListener(type, hear);
});

export const turn = () => new Promise(setImmediate);
export const eventually = async (is) => {
  while (!is()) await turn(); // a test that waits in vain fails by its timeout
};

/** A message as a string, whatever it is. */
export const plain = (data) => (typeof data === 'string' ? data : [...new Uint8Array(data.buffer ? new Uint8Array(data) : data)].join());
