// Echoes: text, and random bytes of which each is compared.
import { hear, send, whenClosed } from './connection.js';
import { $, bytes, millis, show } from './dom.js';

const ECHO = 0x45; // 'E'

const echo = { sent: null, at: 0 };
const binary = { sent: null, at: 0 };

$('echo-form').onsubmit = (event) => {
  event.preventDefault();
  const text = $('echo-text').value;
  echo.at = performance.now();
  echo.sent = send({ type: 'echo', text }) ? { text } : null;
  show($('echo-result'), !!echo.sent && '', echo.sent ? 'sent …' : 'not connected');
};

hear.echo = ({ text }) => {
  const ok = echo.sent?.text === text;
  const time = millis(performance.now() - echo.at);
  show($('echo-result'), ok, ok ? `“${text}” came back in ${time}` : `another text came back: “${text}”`);
  echo.sent = null;
};

/** The byte that makes it an echo, and n random ones. */
export function randomBytes(n) {
  const made = new Uint8Array(n + 1);
  made[0] = ECHO;
  // The browser makes at most 64 KiB at once.
  for (let at = 1; at <= n; at += 65536) crypto.getRandomValues(made.subarray(at, Math.min(n + 1, at + 65536)));
  return made;
}

$('binary-form').onsubmit = (event) => {
  event.preventDefault();
  const made = randomBytes(Number($('binary-size').value));
  binary.at = performance.now();
  binary.sent = send(made) ? made : null;
  show($('binary-result'), !!binary.sent && '', binary.sent ? 'sent …' : 'not connected');
};

hear[ECHO] = (data) => {
  const came = new Uint8Array(data);
  const sent = binary.sent;
  const time = performance.now() - binary.at;
  const ok = sent?.length === came.length && sent.every((byte, at) => byte === came[at]);
  const size = bytes(came.length - 1);
  show($('binary-result'), ok, ok ? `${size} came back unchanged in ${millis(time)}` : `${size} came back changed`);
  binary.sent = null;
};

whenClosed.push(() => {
  for (const [output, pending] of [[$('echo-result'), echo], [$('binary-result'), binary]]) {
    if (pending.sent) show(output, false, 'the connection closed before it came back');
    pending.sent = null;
  }
});
