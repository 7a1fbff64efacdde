/** @file The doors of those who ask a coordinator: the status that it tells, why it refuses, the run that it welcomes to. */

import { Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { statusLines } from '../../cli/status/status-view.ts';
import { decodeWelcome, encodeStatus } from '../../shared/contract/control-codec.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import { fromStatus } from '../../shared/exchange/grpc/errors.ts';
import { services } from '../../shared/exchange/grpc/protos.ts';
import { programOf } from '../../worker/prepare.ts';
import { smallConfig } from '../support/config.ts';
import { JOIN, NotingPort } from '../support/loopback.ts';
import { door } from './door.ts';
import { changed } from './json.ts';
import { encodings, parsed, Session } from './messages.ts';

const { GetStatus } = services.Control.service;
const port = new NotingPort();
const STATUS = GetStatus.responseSerialize(encodeStatus(port.status()));

const text = fc.oneof(
  fc.constantFrom('it is so', '\u001b[2J', 'a\r\nb', '%', '%ff', '%1b%5b', 'x'.repeat(2000)),
  fc.string(),
);
const printable = fc.constantFrom(
  'MESSAGE_INVALID',
  'INTERNAL',
  'NO_SUCH',
  '__proto__',
  'toString',
);
const refusal = fc.record({
  code: fc.nat(20),
  details: fc.oneof(
    text,
    fc.constantFrom('RST_STREAM', 'Response message parsing error: x', 'ECONNREFUSED'),
  ),
  errorCode: fc.option(printable),
  hint: fc.option(fc.constantFrom('do it', '%1b%5b2J', '%', '%e2%82', 'a%0d%0ab')),
});

const welcome = port.join(JOIN, { send: () => {}, close: () => {} });
const welcomes = fc.record({
  config: fc.oneof(
    { weight: 8, arbitrary: changed(smallConfig({}), { changesMax: 1 }) },
    { weight: 1, arbitrary: fc.constantFrom('', '{', '[]', 'null', '['.repeat(9000)) },
  ),
  classes: fc.constantFrom(
    ['a', 'b'],
    ['a', 'b'],
    ['a', 'b'],
    [],
    ['\u001b[2J'],
    Array(5000).fill('a'),
  ),
  run: fc.constantFrom('run', 'run', 'run', 'a\u0000b'),
});

export const answerDoors = [
  door({
    name: 'status replies',
    numInputs: 600,
    inputs: encodings('tessera.v1.StatusReply', [STATUS]),
    enter: (bytes) => statusLines(parsed(GetStatus.responseDeserialize, bytes)),
    refusals: ['MESSAGE_INVALID'],
    least: { accepted: 0.3, refused: 0.1 },
  }),
  door({
    name: 'refusals of a coordinator',
    numInputs: 800,
    inputs: refusal,
    enter({ code, details, errorCode, hint }) {
      const metadata = new Metadata();
      if (errorCode !== null) metadata.set('error-code', errorCode);
      if (hint !== null) metadata.set('error-hint', hint);
      const thrown = Object.assign(new Error(details), { code, details, metadata });
      const place = { address: '127.0.0.1:1', what: 'asking', isCancelled: false };
      const error = fromStatus(thrown, place);
      // Those that say no code of ours are judged by the transport's.
      throw error.code === errorCode ? new TesseraError('MESSAGE_INVALID', error.message) : error;
    },
    refusals: [
      ...(['MESSAGE_INVALID', 'COORDINATOR_UNREACHABLE', 'TIMEOUT', 'PROTOCOL_MISMATCH'] as const),
      ...(['ACCESS_DENIED', 'INTERNAL'] as const),
    ],
    least: { accepted: 0, refused: 1 },
  }),
  door({
    name: 'welcomes',
    numInputs: 150,
    inputs: welcomes,
    enter({ config, classes, run }) {
      const configJson = typeof config === 'string' ? config : JSON.stringify(config);
      const bytes = Session.responseSerialize({
        welcome: { ...welcome, run, classes, configJson, memory: null, lanes: [] },
      });
      const told = parsed(Session.responseDeserialize, bytes).welcome;
      if (told) programOf(decodeWelcome(told));
    },
    refusals: ['MESSAGE_INVALID', 'PROTOCOL_MISMATCH'],
    least: { accepted: 0.2, refused: 0.3 },
  }),
];
