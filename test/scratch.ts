/** @file One temporary folder for all that a test run writes, gone when it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'));

/** Points the temporary folder of all tests there. */
export function setup(): void {
  process.env['TMPDIR'] = folder;
}

/** Removes it. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
