/** @file How the process before ended, which a launcher hands to the next one: the dead cannot send their last words. */

const VARIABLE = 'TESSERA_EARLIER_END';
const SENTENCE_CHARS_MAX = 1_000;

/** What a launcher adds to the environment of a process that it starts again. */
export function earlierEnd(sentence: string | undefined): Readonly<Record<string, string>> {
  if (sentence === undefined) return {};
  // No variable can hold that sign.
  return { [VARIABLE]: sentence.slice(0, SENTENCE_CHARS_MAX).replaceAll('\0', ' ') };
}

/** What this process got from its launcher; once, and not by the processes that it starts. */
export function takeEarlierEnd(): string | undefined {
  const sentence = process.env[VARIABLE];
  delete process.env[VARIABLE];
  return sentence;
}
