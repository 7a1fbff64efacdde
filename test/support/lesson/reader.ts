/** @file The reader of the lesson: an empty folder with the packed package, in which the pages' blocks are typed and run. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { WatchedProcess } from '../cluster.ts';
import { outputFault } from './compare.ts';
import { type CommandBlock, type FileBlock, LESSON, type Need, type Page } from './pages.ts';

const SHARED = resolve(import.meta.dirname, '../../../../shared');
/** What the reader has downloaded, and where a checkout has it. */
const DOWNLOADS: Readonly<Record<Need, readonly [from: string, to: string]>> = {
  weights: [
    join(SHARED, 'weights/vit_tiny_patch16_224.f32.safetensors'),
    'weights/vit_tiny_patch16_224.safetensors',
  ],
  photos: [join(SHARED, 'data/pizza_steak_sushi'), 'data/pizza_steak_sushi'],
};

/** How the lesson is read. */
export interface Reading {
  /** Whether what takes long is done too, and `npx` is npm's own. */
  readonly isWhole: boolean;
  /** Whether outputs and pictures of the pages are replaced by what comes out. */
  readonly isWriting: boolean;
}

/** Reads pages in one folder, one after the other. */
export class Reader {
  readonly folder: string;
  /** Why blocks were passed over. */
  readonly passedOver = new Set<string>();
  readonly #reading: Reading;

  constructor(folder: string, modules: string, reading: Reading) {
    this.folder = folder;
    this.#reading = reading;
    mkdirSync(folder, { recursive: true });
    symlinkSync(modules, join(folder, 'node_modules'));
    for (const [from, to] of Object.values(DOWNLOADS)) {
      if (!existsSync(from)) continue;
      mkdirSync(join(folder, to, '..'), { recursive: true });
      symlinkSync(from, join(folder, to));
    }
  }

  /** Writes the files of pages. */
  type(pages: readonly Page[]): void {
    for (const { name, text } of pages.flatMap(({ blocks }) => blocks.filter(isFile))) {
      writeFileSync(join(this.folder, name), text);
    }
  }

  /** Does what a page says after those before; returns its faults, and for each block of commands that ran, by its line, what it printed. */
  async read(
    page: Page,
    before: readonly Page[],
  ): Promise<{ faults: string[]; printed: Map<number, string> }> {
    // Typed already, unless this page alone is read (`-t NAME`).
    this.type(before);
    const faults: string[] = [];
    const printed = new Map<number, string>();
    for (const block of page.blocks) {
      if (isFile(block)) {
        writeFileSync(join(this.folder, block.name), block.text);
      } else if (this.#isRun(block)) {
        const { text, fault } = await this.#run(block);
        printed.set(block.line, text);
        if (fault !== undefined) faults.push(`${page.name}:${block.line}: ${fault}\n${text}`);
      }
    }
    return { faults, printed };
  }

  /** Puts the pictures of a page, which its commands have made, where it shows them. */
  takePictures({ pictures }: Page): void {
    for (const picture of pictures) {
      const made = join(this.folder, basename(picture));
      if (existsSync(made)) copyFileSync(made, join(LESSON, 'pictures', picture));
    }
  }

  #isRun({ isSlow, isDone, needs }: CommandBlock): boolean {
    if (isDone) return false;
    if (isSlow && !this.#reading.isWhole) return false;
    const missing = [...needs].filter((need) => !existsSync(DOWNLOADS[need][0]));
    for (const need of missing) this.passedOver.add(`there are no ${need} in ../shared`);
    return missing.length === 0;
  }

  async #run({ commands, output, tolerance }: CommandBlock) {
    // npm looks its folders through for each npx; where time counts, the shell finds the command itself.
    const npx = this.#reading.isWhole ? [] : ['npx() { "$@"; }'];
    const script = ['set -e', ...npx, ...commands].join('\n');
    const { PATH } = process.env;
    const env = {
      PATH: `${join(this.folder, 'node_modules/.bin')}:${PATH}`,
      HOME: this.folder,
      XDG_CACHE_HOME: join(this.folder, '.cache'),
    };
    const command = ['bash', '-c', `(${script}\n) 2>&1`];
    const { code, stdout } = await new WatchedProcess(command, { cwd: this.folder, env }).ended;
    const fault =
      code !== 0 ? `ended with ${code}` : output && outputFault(output, stdout, tolerance);
    return { text: stdout, fault: this.#reading.isWriting && code === 0 ? undefined : fault };
  }
}

function isFile(block: FileBlock | CommandBlock): block is FileBlock {
  return block.kind === 'file';
}

/** The text of a page with other outputs: those that were printed, where they differ from what it says. */
export function withOutputs(page: Page, printed: ReadonlyMap<number, string>): string {
  const lines = page.text.split('\n');
  for (const block of page.blocks.toReversed()) {
    if (block.kind !== 'commands' || block.output === undefined) continue;
    const text = printed.get(block.line);
    if (text === undefined) continue;
    if (outputFault(block.output, text, block.tolerance) === undefined) continue;
    const first = lines.findIndex((line, at) => at >= block.line && line === '```text') + 1;
    const shown = text
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
    lines.splice(first, block.output.length, ...shown);
  }
  return lines.join('\n');
}
