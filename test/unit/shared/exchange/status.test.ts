import { Metadata, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  toWireText,
  wireAmount,
  wireInteger,
  wireText,
} from '../../../../shared/contract/validate.ts';
import {
  ERROR_CODES,
  type ErrorCode,
  isErrorCode,
  TesseraError,
} from '../../../../shared/core/errors.ts';
import { fromStatus, toStatus } from '../../../../shared/exchange/grpc/errors.ts';

const PLACE = { address: 'here:1', what: 'a call', isCancelled: false };

function failure(code: status, details: string, metadata = new Metadata()) {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe('an error that crosses the wire', () => {
  const codes = Object.keys(ERROR_CODES).filter(
    (code): code is ErrorCode => isErrorCode(code) && code !== 'INTERNAL',
  );
  it.each(codes)('%s arrives with its sentence and hint', (code) => {
    const sent = new TesseraError(code, 'was “wrong” – 100 %', { hint: 'mend it: 100 % ö\n' });
    const { code: statusCode, details, metadata } = toStatus(sent);
    expect(statusCode).not.toBe(status.UNKNOWN);
    expect(fromStatus(failure(statusCode, details, metadata), PLACE)).toMatchObject({
      code,
      sentence: sent.sentence,
      hint: sent.hint,
    });
  });

  it.each([new Error('secret'), 'secret', new TesseraError('INTERNAL', 'secret'), undefined])(
    'that nobody foresaw keeps its text at home',
    (thrown) => {
      expect(JSON.stringify(toStatus(thrown))).not.toContain('secret');
      expect(toStatus(thrown).code).toBe(status.INTERNAL);
    },
  );

  it('survives half a surrogate pair and a very long text', () => {
    const { details, metadata } = toStatus(
      new TesseraError('DATA_INVALID', '\ud800'.repeat(5000), { hint: '\udfff%' }),
    );
    expect(() => encodeURI(details)).not.toThrow();
    expect(details.length).toBeLessThanOrEqual(1000);
    expect(fromStatus(failure(11, details, metadata), PLACE).hint).toBe('\ufffd%');
  });
});

describe('a failure of the transport', () => {
  const cases: readonly [status, string, ErrorCode][] = [
    [status.UNAVAILABLE, 'connect ECONNREFUSED 127.0.0.1:1', 'COORDINATOR_UNREACHABLE'],
    [status.UNAVAILABLE, 'Name resolution failed for target', 'COORDINATOR_UNREACHABLE'],
    [status.UNAVAILABLE, 'Connection dropped', 'COORDINATOR_UNREACHABLE'],
    [status.CANCELLED, 'Call cancelled', 'COORDINATOR_UNREACHABLE'],
    [status.INTERNAL, 'Received RST_STREAM with code 2', 'COORDINATOR_UNREACHABLE'],
    [status.INTERNAL, 'what?', 'INTERNAL'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'TIMEOUT'],
    [status.RESOURCE_EXHAUSTED, 'Received message larger than max', 'MESSAGE_INVALID'],
    [status.UNIMPLEMENTED, 'unknown method', 'PROTOCOL_MISMATCH'],
    [status.UNAUTHENTICATED, 'no token', 'ACCESS_DENIED'],
  ];
  it.each(cases)('%i "%s" is %s', (code, details, expected) => {
    expect(fromStatus(failure(code, details), PLACE).code).toBe(expected);
  });

  it('after our own cancel is CANCELLED', () => {
    const error = fromStatus(failure(status.CANCELLED, ''), { ...PLACE, isCancelled: true });
    expect(error.code).toBe('CANCELLED');
  });

  it('with an error code that we do not know is judged by its status', () => {
    const metadata = new Metadata();
    metadata.set('error-code', 'FROM_THE_FUTURE');
    const error = fromStatus(failure(status.DEADLINE_EXCEEDED, '', metadata), PLACE);
    expect(error.code).toBe('TIMEOUT');
  });
});

describe('a value from the wire', () => {
  it.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, 11])(
    '%d is no integer in 0..10',
    (value) => {
      expect(() => wireInteger(value, 'here', { max: 10 })).toThrow(/MESSAGE_INVALID\] here/);
    },
  );

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('%d is no amount', (value) => {
    expect(() => wireAmount(value, 'here')).toThrow(/MESSAGE_INVALID\] here/);
  });

  it.each(['a\nb', '\u001b[31m', '\u0085', 'x'.repeat(21)])('%j is no text', (text) => {
    expect(() => wireText(text, 'here', 20)).toThrow(/MESSAGE_INVALID\] here/);
    expect(wireText(toWireText(text, 20), 'here', 20)).toBeTruthy();
  });
});
