/**
 * @file Draws the README's picture of the terminal from what a terminal really showed.
 *
 *   tmux new-session -d -s t -x 100 -y 30 'node dist/cli/main.js train quickstart'
 *   tmux capture-pane -t t -p -e | node docs/terminal.mjs docs/terminal.png
 */
import sharp from 'sharp';

const COLORS = {
  30: '#1c1f26',
  31: '#f07178',
  32: '#7fd88f',
  33: '#f5c26b',
  34: '#6cb6ff',
  35: '#c792ea',
  36: '#7fdbca',
  37: '#d7dae0',
  90: '#7d8590',
};
const CELL = { width: 9.03, height: 20 };
const PADDING = 18;

const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/** One line of text with SGR escapes as SVG text spans, each at its own column. */
function spans(line, y) {
  let style = {};
  let column = 0;
  return line
    .split(/(\x1b\[[\d;]*m)/)
    .map((part) => {
      const codes = /^\x1b\[([\d;]*)m$/.exec(part)?.[1];
      if (codes !== undefined) {
        for (const code of codes.split(';').map(Number)) {
          if (code === 0) style = {};
          else if (code === 1) style = { ...style, bold: true };
          else if (code === 2) style = { ...style, dim: true };
          else if (code === 39) style = { ...style, color: undefined };
          else if (COLORS[code]) style = { ...style, color: COLORS[code] };
        }
        return '';
      }
      if (part === '') return '';
      const x = PADDING + column * CELL.width;
      column += [...part].length;
      const fill = style.color ?? COLORS[37];
      return `<text x="${x}" y="${y}" fill="${fill}" opacity="${style.dim ? 0.65 : 1}" font-weight="${style.bold ? 700 : 400}" xml:space="preserve">${escaped(part)}</text>`;
    })
    .join('');
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const lines = Buffer.concat(chunks).toString('utf8').replace(/\s+$/, '').split('\n');
const width = Math.ceil(100 * CELL.width + 2 * PADDING);
const height = lines.length * CELL.height + 2 * PADDING;
const body = lines.map((line, i) => spans(line, PADDING + (i + 0.75) * CELL.height)).join('\n');
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" rx="8" fill="#12151b"/><g font-family="DejaVu Sans Mono, monospace" font-size="15">${body}</g></svg>`;
await sharp(Buffer.from(svg), { density: 144 }).png().toFile(process.argv[2]);
