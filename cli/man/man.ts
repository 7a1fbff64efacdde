/** @file `tessera man`: the manual pages, printed or written. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { TesseraError } from '../../shared/core/errors.ts';
import { VERSION } from '../../shared/machine/version.ts';
import { pointer, say } from '../terminal/output.ts';
import { manPages, type PageOrigin } from './page.ts';

/** Prints the page of the program or of a command, or writes all into a folder. Throws  USAGE; CANNOT_WRITE. */
export async function runMan(
  program: Command,
  words: readonly string[],
  { out }: { readonly out?: string },
): Promise<void> {
  const pages = manPages(program, originHere());
  if (out !== undefined) {
    try {
      await mkdir(out, { recursive: true });
      for (const { file, text } of pages) await writeFile(join(out, file), text);
    } catch (error) {
      throw TesseraError.from(error, 'CANNOT_WRITE');
    }
    say(pointer('manual', `${out}: ${pages.length} pages`));
    return;
  }
  const wanted = `${['tessera', ...words].join('-')}.1`;
  const page = pages.find(({ file }) => file === wanted);
  if (page === undefined) {
    throw new TesseraError('USAGE', `there is no command ${words.join(' ')}`, {
      hint: 'tessera --help lists the commands',
    });
  }
  process.stdout.write(page.text);
}

function originHere(): PageOrigin {
  const epoch = process.env['SOURCE_DATE_EPOCH'];
  const now = epoch === undefined ? new Date() : new Date(1000 * Number(epoch));
  return { version: VERSION, date: now.toISOString().slice(0, 10), textBelow };
}

/** What a command prints below its flags. */
export function textBelow(command: Command): string {
  let shown = '';
  command.configureOutput({
    writeOut: (part) => {
      shown += part;
    },
  });
  command.outputHelp();
  return shown;
}
