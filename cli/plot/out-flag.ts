/** @file What all commands of `tessera plot` have in common. */
import { Option } from 'commander';

/** Heading of the subcommands. */
export const SUB = 'Commands:';

/** `--out`. */
export const outOption = (text = 'Where to write it: .png or .svg') =>
  new Option('--out <file>', text);
