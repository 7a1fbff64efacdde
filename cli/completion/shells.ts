/** @file The shells that have a script. Light: it is loaded for `--help`. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
