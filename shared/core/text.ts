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
