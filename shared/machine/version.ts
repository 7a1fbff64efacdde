/** @file The version of this package, and the versions of Node that it runs on. */
import { createRequire } from 'node:module';

const { version, engines } = createRequire(import.meta.url)('#package.json') as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

/** Version in package.json, from a checkout and from an installed package alike. */
export const VERSION = version;

/** Such as `^20.19.0 || ^22.12.0`. */
export const NODE_RANGE = engines.node;
