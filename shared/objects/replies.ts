/** @file What an object store replies: refusals in words, and lists of objects. Pure. */
import { type ErrorCode, TesseraError } from '../core/errors.ts';

/** A refusal as a store says it. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** Refusals whose cause passes. */
const PASSING: ReadonlySet<string> = new Set([
  ...['RequestTimeout', 'SlowDown', 'Throttling', 'InternalError', 'ServiceUnavailable'],
  ...['BadDigest', 'XAmzContentSHA256Mismatch', 'IncompleteBody', 'OperationAborted'],
  // New ones are asked for.
  'ExpiredToken',
]);

const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'make the bucket, or correct checkpoint.mirror',
  RequestTimeTooSkewed: 'set the clock of this machine',
  SignatureDoesNotMatch:
    'check the secret key, and that region and endpoint are those of the bucket',
  InvalidAccessKeyId: 'check the access key and the endpoint',
  ExpiredToken: 'get new credentials',
  AuthorizationHeaderMalformed: 'set AWS_REGION to the region of the bucket',
};

/** The name of a refusal, such as `NoSuchBucket`; '' where the store has said none. */
export function refusalCode({ text }: Pick<Refusal, 'text'>): string {
  return /<Code>([A-Za-z0-9.]{1,100})<\/Code>/.exec(text)?.[1] ?? '';
}

/** The error for a refusal: TIMEOUT for one that may pass. */
export function refused(what: string, refusal: Refusal): TesseraError {
  const { status, headers, text } = refusal;
  const name = refusalCode(refusal);
  const message = /<Message>([^<]{1,300})<\/Message>/.exec(text)?.[1];
  const said = [status, name, message].filter((part) => part).join(' ');
  const region = headers['x-amz-bucket-region'];
  const isElsewhere = status === 301 || status === 307 || name === 'AuthorizationHeaderMalformed';
  const hint =
    isElsewhere && typeof region === 'string'
      ? `the bucket is in ${region}: set AWS_REGION=${region}`
      : (HINTS[name] ??
        (status === 403
          ? 'the credentials need s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject there'
          : undefined));
  return new TesseraError(codeOf(status, name), `cannot ${what}: the store replied ${said}`, {
    ...(hint !== undefined && { hint }),
  });
}

function codeOf(status: number, name: string): ErrorCode {
  if (status >= 500 || status === 429 || status === 408 || PASSING.has(name)) return 'TIMEOUT';
  return status === 401 || status === 403 ? 'ACCESS_DENIED' : 'DATA_INVALID';
}

/** An object in a list. */
export interface ListedObject {
  readonly key: string;
  readonly bytes: number;
}

/** A page of a list, and how the next one is asked for. Throws  TIMEOUT for text that is none: it may have been cut. */
export function readList(text: string): {
  readonly objects: readonly ListedObject[];
  readonly next: string | undefined;
} {
  if (!/<\/ListBucketResult>\s*$/.test(text)) {
    throw new TesseraError('TIMEOUT', 'the list of objects is not one, or was cut');
  }
  const objects = [...text.matchAll(/<Contents>(.*?)<\/Contents>/gs)].flatMap(([, entry = '']) => {
    const key = /<Key>([^<]*)<\/Key>/.exec(entry)?.[1];
    const bytes = /<Size>(\d{1,15})<\/Size>/.exec(entry)?.[1];
    return key === undefined || bytes === undefined
      ? []
      : [{ key: plain(key), bytes: Number(bytes) }];
  });
  const isCut = /<IsTruncated>\s*true\s*<\/IsTruncated>/.test(text);
  const token = /<NextContinuationToken>([^<]*)<\/NextContinuationToken>/.exec(text)?.[1];
  return { objects, next: isCut && token !== undefined ? plain(token) : undefined };
}

const SIGNS: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function plain(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => SIGNS[name] ?? '');
}
