/** @file The version of this package. */
import { createRequire } from 'node:module';

/** Version in package.json, from a checkout and from an installed package alike. */
export const VERSION = (createRequire(import.meta.url)('#package.json') as { version: string })
  .version;
