/** @file Texts of strangers, such as names of files and classes, in a line of ours. */

/** A text in one line that commands no terminal: each control character as JSON would write it. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

/** A control character as JSON would write it. */
export function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** What a library says over several lines, in one. */
export function unbroken(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}

/** Marks that stand on the letter before them, and signs that join others. */
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Signs that terminals draw over two cells. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

/** How many cells of a terminal a text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const sign of text) if (!NO_WIDTH.test(sign)) width += WIDE.test(sign) ? 2 : 1;
  return width;
}
