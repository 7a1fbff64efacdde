/** @file Names that DNS accepts. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';

/** A DNS label, which begins with a letter; short enough for what is put behind it. */
const LABEL = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;
const LENGTH_MAX = 40;

/** A name that was given. Throws  USAGE. */
export function givenName(name: string): string {
  if (LABEL.test(name)) return name;
  throw new TesseraError('USAGE', `--name ${JSON.stringify(name)} is not a name for DNS`, {
    hint: `use at most ${LENGTH_MAX} small letters, digits and dashes, a letter first`,
  });
}

/** A name of a config as a DNS label. */
export function labelOf(name: string): string {
  const signs = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const begun = /^[a-z]/.test(signs) ? signs : `run-${signs}`;
  return begun.slice(0, LENGTH_MAX).replace(/-+$/, '');
}
