/** @file Flags and help of `tessera doctor`. */
import type { Command } from 'commander';
import { addCommand, examples, GROUPS, jsonOption, verboseOption } from '../terminal/flags.ts';

/** Adds `tessera doctor`. */
export function addDoctor(program: Command): void {
  const doctor = addCommand(program, 'doctor', GROUPS.help, 'Show what works on this machine')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(doctor, 'A block to paste into a bug report', ['tessera doctor']);
  doctor.action(async (options) => (await import('./doctor.ts')).runDoctor(options));
}
