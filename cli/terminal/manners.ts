/** @file How much a command says, and whether in colours: `--quiet` and `--color`, of every command. */

/** When text is coloured. auto: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise. */
export const COLOR_CHOICES = ['auto', 'always', 'never'] as const;
export type ColorChoice = (typeof COLOR_CHOICES)[number];

/** What a command was asked for. */
export interface Manners {
  readonly quiet?: boolean | undefined;
  readonly color?: ColorChoice | undefined;
}

/** A stream that may be a terminal. */
export interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly hasColors?: () => boolean;
}

let manners: Manners = {};

/** Sets the manners of this process, once the flags are known. */
export function setManners(asked: Manners): void {
  manners = asked;
}

/** Whether only warnings, errors and results are wanted. */
export function isQuiet(): boolean {
  return manners.quiet === true;
}

/** Whether what goes to a stream is coloured. */
export function hasColor(stream: MaybeTerminal, env: Readonly<NodeJS.ProcessEnv> = process.env) {
  const { isTTY = false } = stream;
  return colorIn(
    manners.color ?? 'auto',
    { isTTY, hasColors: () => stream.hasColors?.() ?? isTTY },
    env,
  );
}

/**
 * The rule of colours: the flag, then FORCE_COLOR, then NO_COLOR, then the terminal. Pure.
 *
 * Source  no-color.org, force-color.org; FORCE_COLOR before NO_COLOR and with 0 or false as no, as Node has them
 */
export function colorIn(
  choice: ColorChoice,
  { isTTY = false, hasColors = () => true }: MaybeTerminal,
  env: Readonly<NodeJS.ProcessEnv>,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  const { FORCE_COLOR: forced, NO_COLOR: refused = '', TERM: term } = env;
  if (forced !== undefined && forced !== '') return !/^(?:0|false)$/i.test(forced);
  return refused === '' && isTTY && term !== 'dumb' && hasColors();
}

/** Whether a line is said even when quiet is asked for: one about something that may surprise, or went wrong. */
export function isImportant(line: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
  const plain = line.replace(/\u001b\[[\d;]*m/g, '').trimStart();
  return /^(?:[⚠✖]|warning:|error:)/.test(plain);
}
