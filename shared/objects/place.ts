/** @file Where objects are: `s3://BUCKET/PREFIX` as it is written, and the addresses that it stands for. Pure. */
import { TesseraError } from '../core/errors.ts';

/** A bucket and what the names of all objects in it begin with. */
export interface ObjectPlace {
  readonly bucket: string;
  /** Without a slash at its end; '' for the bucket itself. */
  readonly prefix: string;
}

/** The form of a place: names that every store takes, and that need no escapes. */
export const PLACE = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9][A-Za-z0-9._=-]*)*\/?$/;

/** Where credentials come from. `instance`: from the metadata of a cloud's machine. */
export const CREDENTIAL_SOURCES = ['chain', 'instance'] as const;
export type CredentialSource = (typeof CREDENTIAL_SOURCES)[number];

/** Reads a place. Throws  CONFIG_INVALID for another form. */
export function parsePlace(text: string): ObjectPlace {
  if (!PLACE.test(text)) {
    throw new TesseraError('CONFIG_INVALID', `${text} is not s3://BUCKET/PREFIX`, {
      hint: 'a prefix is made of letters, digits and ._=- between slashes',
    });
  }
  const [bucket = '', ...path] = text.slice('s3://'.length).replace(/\/$/, '').split('/');
  return { bucket, prefix: path.join('/') };
}

/** A place as people write it. */
export function placeText({ bucket, prefix }: ObjectPlace): string {
  return `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
}

/** Where a store is reached. */
export interface StoreAddress {
  readonly region: string;
  /** Undefined for Amazon's own. */
  readonly endpoint: string | undefined;
}

/**
 * The address of a bucket, with a slash at its end. Amazon's buckets have host names of their own, unless a dot in the
 * name would not fit the certificate; elsewhere the bucket is the beginning of the path, which every store takes.
 *
 * Throws  CONFIG_INVALID when the endpoint is not a web address.
 */
export function bucketUrl(bucket: string, { region, endpoint }: StoreAddress): URL {
  if (endpoint === undefined) {
    const host = `s3.${region}.amazonaws.com`;
    return new URL(
      bucket.includes('.') ? `https://${host}/${bucket}/` : `https://${bucket}.${host}/`,
    );
  }
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new TesseraError('CONFIG_INVALID', `the endpoint ${endpoint} is not a web address`, {
      hint: 'set AWS_ENDPOINT_URL_S3 or endpoint_url to https://HOST[:PORT]',
    });
  }
  return new URL(`${url.pathname.replace(/\/*$/, '')}/${bucket}/`, url.origin);
}
