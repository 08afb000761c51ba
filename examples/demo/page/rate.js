// How much there is of something.

/** Counts pictures and their bytes over the last two seconds. */
export function rate() {
  let seen = [];
  return {
    add: (size) => seen.push({ at: performance.now(), size }),
    text() {
      const now = performance.now();
      seen = seen.filter(({ at }) => now - at < 2000);
      const total = seen.reduce((sum, { size }) => sum + size, 0);
      return `${Math.round(seen.length / 2)} pictures/s, ${Math.round(total / 2000)} kB/s`;
    },
  };
}
