// Elements of the page, and numbers in words. Nothing here knows what the page is about.

export const $ = (id) => document.getElementById(id);

export function show(output, ok, text) {
  output.dataset.ok = ok;
  output.textContent = text;
}

export function element(tag, text = '', className = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

export const MEBIBYTE = 1 << 20;

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  return n < MEBIBYTE ? `${(n / 1024).toFixed(n < 10240 ? 1 : 0)} KiB` : `${(n / MEBIBYTE).toFixed(1)} MiB`;
}

// Some browsers round their clocks to whole milliseconds.
export const millis = (ms) => (ms < 0.05 ? 'below 1 ms' : ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`);
