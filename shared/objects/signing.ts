/** @file The signature of a request to an object store (AWS Signature Version 4). The one door of `aws4fetch`. */
import { AwsV4Signer } from 'aws4fetch';

/** What a request is signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end, in milliseconds since 1970; undefined where they do not. */
  readonly expiresMs?: number | undefined;
}

/** A request before it is signed. */
export interface UnsignedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, in hex: what arrives with another is refused by stores that look. */
  readonly bodySha256: string;
}

/** The headers of a request with its signature. */
export async function signedHeaders(
  { method, url, headers, bodySha256 }: UnsignedRequest,
  { region, ...credentials }: Credentials & { readonly region: string },
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new AwsV4Signer({
    ...{ method, region, accessKeyId, secretAccessKey, service: 's3', url: url.href },
    headers: { ...headers, 'x-amz-content-sha256': bodySha256 },
    ...(sessionToken !== undefined && { sessionToken }),
  });
  const signed = await signer.sign();
  return Object.fromEntries(signed.headers.entries());
}
