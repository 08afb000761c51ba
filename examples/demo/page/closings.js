// Closing, by either side, and what both saw of it.
import { close, hear, send, whenClosed } from './connection.js';
import { $, MEBIBYTE, element, show } from './dom.js';
import { randomBytes } from './echo.js';

const closings = new Map(); // by tab: { began, page, server }

$('close-form').onsubmit = (event) => {
  event.preventDefault();
  show($('close-result'), '', '');
  const code = Number($('close-code').value);
  const reason = $('close-reason').value;
  if (event.submitter?.value !== 'page') {
    if (!send({ type: 'close', code, reason })) show($('close-result'), false, 'not connected');
    return;
  }
  try {
    close(code, reason);
  } catch {
    show($('close-result'), false, 'a page may close with 1000 or 3000 to 4999, and a reason of up to 123 bytes');
  }
};

$('too-big').onclick = () => {
  const isSent = send(randomBytes(MEBIBYTE + 1));
  show($('close-result'), isSent && '', isSent ? '1 byte above 1 MiB sent' : 'not connected');
};

whenClosed.push((tab, event, closer) => {
  if (tab === 0) return;
  const saw = { code: event.code, reason: event.reason, clean: event.wasClean };
  closings.set(tab, { ...closings.get(tab), began: closer, page: saw });
  showClosings();
});

hear.closed = (closing) => {
  const known = closings.get(closing.tab);
  const began = known?.began ?? (closing.by_server ? 'server' : closing.code ? 'page' : '');
  closings.set(closing.tab, { ...known, began, server: closing });
  showClosings();
};

hear.error = ({ text }) => show($('close-result'), false, `the server says: ${text}`);

function showClosings() {
  const rows = [...closings].sort(([a], [b]) => b - a).slice(0, 8).map(([closed, { began, page, server }]) => {
    const row = element('tr');
    row.dataset.tab = closed;
    row.append(element('td', closed), element('td', began), element('td', inWords(page, '–')),
      element('td', inWords(server, page ? 'reconnect to hear it' : '–')));
    return row;
  });
  $('closings').replaceChildren(...rows);
}

function inWords(saw, otherwise) {
  if (!saw) return otherwise;
  const reason = saw.reason && ` “${saw.reason}”`;
  return `${saw.code ?? 'no code'}${reason}, ${saw.clean ? 'clean' : 'not clean'}`;
}
