/** @file `tessera help TOPIC` and `tessera version`. */
import type { Command } from 'commander';
import { TesseraError } from '../../shared/core/errors.ts';
import { nearest } from '../../shared/core/nearest.ts';
import { VERSION } from '../../shared/machine/version.ts';
import { print } from '../terminal/output.ts';
import { TOPICS } from './topics.ts';

/** Prints a page, the help of a command, or the list of pages. Throws  USAGE for another word. */
export function showHelp(program: Command, topic: string | undefined): void {
  if (topic === undefined) {
    const width = Math.max(...TOPICS.map(({ name }) => name.length));
    print([
      'Pages:',
      ...TOPICS.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`),
      '',
      ...['tessera help TOPIC', 'tessera COMMAND --help'],
    ]);
    return;
  }
  const page = TOPICS.find(({ name }) => name === topic);
  if (page !== undefined) {
    print([page.title, '', ...page.lines]);
    return;
  }
  const command = program.commands.find((each) => each.name() === topic);
  if (command !== undefined) {
    command.outputHelp();
    return;
  }
  const names = [...TOPICS, ...program.commands.map((each) => ({ name: each.name() }))];
  const near = nearest(
    topic,
    names.map(({ name }) => name),
  );
  throw new TesseraError('USAGE', `there is no page or command ${topic}`, {
    hint: `${near === undefined ? '' : `did you mean ${near}? `}tessera help lists the pages`,
  });
}

/** Prints the version, Node's, and the machine's kind. */
export function showVersion(): void {
  print([
    `tessera ${VERSION} (Node ${process.versions.node}, ${process.platform} ${process.arch})`,
  ]);
}
