/** @file One temporary folder for all that a test run writes, gone when it ends; and no reports to anybody. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'tessera-test-'));

/** Points the temporary folder of all tests there. */
export function setup(): void {
  process.env['TMPDIR'] = folder;
  // Some tests call ONNX Runtime themselves, not through the product's door, which sets this (e2e/quiet.test.ts).
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}

/** Removes it. */
export function teardown(): void {
  rmSync(folder, { recursive: true, force: true });
}
