// One message in many fragments.
import { hear, send } from './connection.js';
import { $, bytes, show } from './dom.js';

$('story-form').onsubmit = (event) => {
  event.preventDefault();
  const isSent = send({ type: 'story', fragments: Number($('story-count').value) });
  show($('story-result'), isSent && '', isSent ? 'asked …' : 'not connected');
};

hear.story = ({ fragments, text }) => {
  const lines = text.trimEnd().split('\n');
  const ok = lines.length === fragments && lines.every((line, at) => line === `piece ${at + 1} of ${fragments} ✓`);
  const size = bytes(new TextEncoder().encode(text).length);
  show($('story-result'), ok, ok ? `one message of ${size}, sent in ${fragments} fragments` : 'it came damaged');
  const shown = lines.length <= 8 ? lines : [...lines.slice(0, 3), '…', ...lines.slice(-2)];
  $('story-text').textContent = shown.join('\n');
};
