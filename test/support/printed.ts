/** @file What a command prints. */
import { vi } from 'vitest';

/** What it prints on stdout. */
export async function printedBy(command: () => Promise<unknown>): Promise<string> {
  let text = '';
  const errors = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const results = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    await command();
  } finally {
    errors.mockRestore();
    results.mockRestore();
  }
  return text;
}
