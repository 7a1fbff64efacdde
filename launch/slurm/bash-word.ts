/** @file Words of a bash script. Pure. */

/** A word that bash takes as it is, whatever its characters; control characters are written by their codes. */
export function bashWord(word: string): string {
  if (/^[\w./:@,+%-][\w./:=@,+%-]*$/.test(word)) return word;
  if (!/\p{Cc}/u.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`;
  const quoted = word.replace(/[\\']/g, '\\$&').replace(/\p{Cc}/gu, codesOf);
  return `$'${quoted}'`;
}

function codesOf(sign: string): string {
  return Array.from(Buffer.from(sign), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
