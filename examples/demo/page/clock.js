// How long a message took, though page and server have clocks of their own: the fastest message of late is taken to have taken no time.
// All lanes share this, so their delays can be compared.

const WINDOW = 30000; // ms; clocks drift apart, so what was fastest long ago says nothing

let [earlier, current] = [Infinity, Infinity]; // least difference between the clocks, in the window before and in this one
let begun = -Infinity;

/** Milliseconds on the way; `at` is the server's time when it sent. */
export function delayOf(at) {
  const now = performance.now();
  if (now - begun > WINDOW) [earlier, current, begun] = [current, Infinity, now];
  const difference = performance.timeOrigin + now - at;
  current = Math.min(current, difference);
  return difference - Math.min(earlier, current);
}
