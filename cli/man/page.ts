/** @file Manual pages from the command tree, in the language of man(7). Pure. */
import type { Command, Option } from 'commander';
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';
import { TOPICS } from '../help/topics.ts';
import { variableOf } from '../variables/names.ts';

/** What each page says of its origin. */
export interface PageOrigin {
  readonly version: string;
  /** `2026-11-30`. */
  readonly date: string;
  /** Texts that a command has below its flags: examples and notes. */
  readonly textBelow: (command: Command) => string;
}

/** A page and the name of its file. */
export interface ManPage {
  readonly file: string;
  readonly text: string;
}

/** A page for the program, and one for each command. */
export function manPages(program: Command, origin: PageOrigin): readonly ManPage[] {
  return [
    mainPage(program, origin),
    ...program.commands.flatMap((each) => pagesOf(each, [], origin)),
  ];
}

/** The page of a command, and those of its subcommands. */
function pagesOf(
  command: Command,
  above: readonly string[],
  origin: PageOrigin,
): readonly ManPage[] {
  const path = [...above, command.name()];
  return [
    commandPage(command, path, origin),
    ...command.commands.flatMap((child) => pagesOf(child, path, origin)),
  ];
}

function mainPage(program: Command, origin: PageOrigin): ManPage {
  const topics = TOPICS.filter(({ name }) => name !== 'exit-codes');
  return page(['tessera'], program.description(), origin, [
    '.SH SYNOPSIS',
    '.B tessera',
    '.I command',
    '.RI [ flags ]',
    '.SH COMMANDS',
    ...program.commands.flatMap(entryOf),
    ...topics.flatMap(({ title, lines }) => [`.SH ${roff(title.toUpperCase())}`, ...block(lines)]),
    ...exitSection(),
    ...flagSection(program.options),
  ]);
}

function commandPage(command: Command, path: readonly string[], origin: PageOrigin): ManPage {
  const args = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? name : `[${name}]`;
  });
  const isGroup = command.commands.length > 0;
  return page(['tessera', ...path], command.description(), origin, [
    '.SH SYNOPSIS',
    `.B ${roff(`tessera ${path.join(' ')}`)}`,
    ...(isGroup ? ['.I command'] : args.map((arg) => `.I ${roff(arg)}`)),
    '.RI [ flags ]',
    ...(isGroup ? ['.SH COMMANDS', ...command.commands.flatMap(entryOf)] : []),
    ...flagSection(command.options),
    ...below(origin.textBelow(command)),
    '.SH EXIT STATUS',
    'See',
    '.BR tessera (1).',
    '.SH SEE ALSO',
    '.BR tessera (1)',
  ]);
}

function page(
  path: readonly string[],
  description: string,
  { version, date }: PageOrigin,
  body: readonly string[],
): ManPage {
  const name = path.join('-');
  const lines = [
    `.TH ${roff(name.toUpperCase())} 1 ${date} "tessera ${version}" "Tessera"`,
    '.SH NAME',
    `${roff(name)} \\-`,
    ...text(description),
    ...body,
  ];
  return { file: `${name}.1`, text: `${lines.join('\n')}\n` };
}

function entryOf(command: Command): readonly string[] {
  return ['.TP', `.B ${roff(command.name())}`, ...text(command.description())];
}

function flagSection(options: readonly Option[]): readonly string[] {
  if (options.length === 0) return [];
  return [
    '.SH OPTIONS',
    ...options.flatMap((option) => [
      '.TP',
      `.B ${roff(option.flags)}`,
      ...text(
        [
          option.description,
          ...(option.argChoices ? [`(${option.argChoices.join(', ')})`] : []),
        ].join(' '),
      ),
      '.br',
      `Variable: ${roff(variableOf(option.name()))}`,
    ]),
  ];
}

function exitSection(): readonly string[] {
  return [
    '.SH EXIT STATUS',
    ...exitCodeRows().flatMap(({ code, meaning }) => ['.TP', `.B ${code}`, ...text(meaning)]),
  ];
}

/** Examples and notes, which help has as blocks with a heading; its list of variables stands with the flags. */
function below(help: string): readonly string[] {
  const blocks = help.split(/\n(?=[A-Z][^\n]*:\n)/).map((part) => part.trim());
  return blocks.flatMap((part) => {
    const [title = '', ...lines] = part.split('\n');
    if (!/^(?:Examples|Notes):$/.test(title)) return [];
    return [
      `.SH ${title.slice(0, -1).toUpperCase()}`,
      ...block(lines.map((line) => line.replace(/^ {2}/, ''))),
    ];
  });
}

/** Lines as they are. */
function block(lines: readonly string[]): readonly string[] {
  const shown = lines.map((line) => (line.trim() === '' ? '\\&' : roff(line)));
  return ['.nf', ...shown, '.fi'];
}

/** Columns of a line of the source: mandoc allows 80, with the escapes. */
const WIDTH = 70;

/** Text that is filled, in short lines. */
function text(sentence: string): readonly string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map(roff);
}

/** A line in which nothing is an instruction. */
export function roff(line: string): string {
  const plain = line.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return /^[.']/.test(plain) ? `\\&${plain}` : plain;
}
