/**
 * @file The contract of proto/, loaded.
 *
 * The types under generated/ come from the same files with the same options (`npm run gen`), so what
 * TypeScript believes about a message is what the loader makes of it.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type GrpcObject,
  loadPackageDefinition,
  logVerbosity,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { loadSync, type Options } from '@grpc/proto-loader';
import type { ProtoGrpcType as ControlTypes } from '../../contract/generated/control.ts';
import type { ProtoGrpcType as ExchangeTypes } from '../../contract/generated/exchange.ts';

/** How messages look in JavaScript; `npm run gen` names the same options. */
export const LOADER_OPTIONS = {
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
  arrays: true,
} as const satisfies Options;

// The library writes to the terminal on its own; every failure reaches us as an error, too.
setLogVerbosity(logVerbosity.NONE);

const PROTO_FILES = ['control', 'exchange'] as const;

// `require.resolve` knows the package's "imports" from the sources, from dist/ and under vitest alike.
const { resolve } = createRequire(import.meta.url);
const protoPaths = PROTO_FILES.map((name) => resolve(`#proto/tessera/v1/${name}.proto`));
const protoRoot = join(resolve('#proto/tessera/v1/control.proto'), '../../..');

/** The contract as the reflection service serves it. */
export const protoPackage = loadSync(protoPaths, {
  ...LOADER_OPTIONS,
  includeDirs: [protoRoot],
});

const loaded: GrpcObject = loadPackageDefinition(protoPackage);
const { v1 } = (loaded as unknown as ControlTypes & ExchangeTypes).tessera;

/** Client constructors and service definitions of the contract. */
export const services = { Control: v1.Control, Exchange: v1.Exchange };
