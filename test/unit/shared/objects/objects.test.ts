/** @file Places, profiles, credentials and replies of object stores. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeAccess } from '../../../../shared/objects/credentials.ts';
import { bucketUrl, parsePlace, placeText } from '../../../../shared/objects/place.ts';
import { profileIn } from '../../../../shared/objects/profiles.ts';
import { readList, refused } from '../../../../shared/objects/replies.ts';
import { serve } from '../../../support/file-server.ts';

it('a place is a bucket and a prefix; other forms are refused', () => {
  expect(parsePlace('s3://runs/a/b=1/')).toEqual({ bucket: 'runs', prefix: 'a/b=1' });
  expect(placeText(parsePlace('s3://my.bucket'))).toBe('s3://my.bucket');
  for (const text of ['runs/a', 's3://R/a', 's3://runs//a', 's3://runs/../a', 's3://runs/a b']) {
    expect(() => parsePlace(text)).toThrow(/is not s3:\/\/BUCKET\/PREFIX/);
  }
});

it("Amazon's buckets have hosts of their own, others are the beginning of a path", () => {
  const amazon = { region: 'eu-west-1', endpoint: undefined };
  expect(bucketUrl('runs', amazon).href).toBe('https://runs.s3.eu-west-1.amazonaws.com/');
  expect(bucketUrl('my.runs', amazon).href).toBe('https://s3.eu-west-1.amazonaws.com/my.runs/');
  const own = { region: 'any', endpoint: 'http://minio:9000/base/' };
  expect(bucketUrl('runs', own).href).toBe('http://minio:9000/base/runs/');
  expect(() => bucketUrl('runs', { ...own, endpoint: 'minio:9000' })).toThrow(/not a web address/);
});

it('a profile is found by its name in both files', () => {
  const text =
    '[default]\nregion = a\n[profile  two]\n# no\nregion=b ; note\ns3 =\n  region = c\n[two]\nX = 1\n';
  expect(profileIn(text, 'default')).toEqual({ region: 'a' });
  expect(profileIn(text, 'two')).toEqual({ region: 'b', s3: '', x: '1' });
  expect(profileIn(text, 'three')).toBeUndefined();
});

describe('credentials', () => {
  const home = () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-home-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return folder;
  };

  it('come from variables, else from a profile, else there are none and no address is asked', async () => {
    const HOME = home();
    const files = {
      AWS_CONFIG_FILE: join(HOME, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(HOME, 'credentials'),
    };
    const named = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' };
    const typed = await storeAccess('chain', { HOME, ...named, AWS_REGION: 'eu-west-1' });
    expect(await typed.credentials()).toEqual({
      ...{ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
    });
    expect(typed).toMatchObject({ region: 'eu-west-1', endpoint: undefined });
    writeFileSync(files.AWS_CONFIG_FILE, '[default]\nregion=r\nendpoint_url=http://127.0.0.1:1\n');
    writeFileSync(
      files.AWS_SHARED_CREDENTIALS_FILE,
      '[default]\naws_access_key_id=d\naws_secret_access_key=e\n',
    );
    const kept = await storeAccess('chain', { HOME, ...files });
    expect(kept).toMatchObject({ region: 'r', endpoint: 'http://127.0.0.1:1' });
    expect(await kept.credentials()).toMatchObject({ accessKeyId: 'd', secretAccessKey: 'e' });
    const none = await storeAccess('chain', { HOME });
    await expect(none.credentials()).rejects.toThrow(/\[ACCESS_DENIED\] there are no credentials/);
    const wrong = storeAccess('chain', { HOME, AWS_PROFILE: 'other' });
    await expect(wrong).rejects.toThrow(/no profile other/);
  });

  it('of a machine and of a container are asked for where that is said, and again before they end', async () => {
    const given = (seconds: number) =>
      JSON.stringify({
        ...{ AccessKeyId: 'f', SecretAccessKey: 'g', Token: 'h' },
        Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
      });
    const texts = ['token', 'role\n', given(60), 'token', 'role\n', given(9_999), given(9_999)];
    const server = await serve(
      ...texts.map(
        (text) => (_: unknown, response: { end(text: string): void }) => response.end(text),
      ),
    );
    onTestFinished(() => server.close());
    const HOME = home();
    const url = new URL(server.url).origin;
    const machine = await storeAccess('instance', { HOME, AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
    for (const _ of [1, 2, 3]) {
      expect(await machine.credentials()).toMatchObject({ accessKeyId: 'f', sessionToken: 'h' });
    }
    expect(server.ranges.length).toBe(6);
    const AWS_CONTAINER_CREDENTIALS_FULL_URI = `${url}/given`;
    const container = await storeAccess('chain', { HOME, AWS_CONTAINER_CREDENTIALS_FULL_URI });
    expect(await container.credentials()).toMatchObject({ secretAccessKey: 'g' });
  });
});

it('refusals say what to do', () => {
  const refusal = (status: number, text: string, headers = {}) =>
    refused('read x', { status, text, headers });
  const missing = refusal(404, '<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>');
  expect(missing).toMatchObject({
    code: 'DATA_INVALID',
    hint: expect.stringMatching(/make the bucket/),
  });
  expect(missing.sentence).toBe('cannot read x: the store replied 404 NoSuchBucket no');
  expect(refusal(403, '')).toMatchObject({
    code: 'ACCESS_DENIED',
    hint: expect.stringMatching(/s3:ListBucket/),
  });
  expect(refusal(503, 'x').code).toBe('TIMEOUT');
  expect(refusal(400, '<Code>RequestTimeout</Code>').code).toBe('TIMEOUT');
  const moved = refusal(301, '<Code>PermanentRedirect</Code>', {
    'x-amz-bucket-region': 'eu-west-1',
  });
  expect(moved.hint).toBe('the bucket is in eu-west-1: set AWS_REGION=eu-west-1');
});

it('a list that was cut is none', () => {
  const text =
    '<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a&amp;b</Key><Size>3</Size></Contents><NextContinuationToken>n</NextContinuationToken></ListBucketResult>';
  expect(readList(text)).toEqual({ objects: [{ key: 'a&b', bytes: 3 }], next: 'n' });
  expect(() => readList(text.slice(0, -5))).toThrow(/was cut/);
});
