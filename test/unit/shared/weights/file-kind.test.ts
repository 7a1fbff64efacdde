/** @file What is not weights is said by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readWeights } from '../../../../shared/weights/files/read.ts';
import { zipOf } from '../../../support/archives.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-kinds-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tar's first block: the name of its first entry, and the magic behind 257 bytes. */
const tar = Buffer.alloc(1024);
tar.write('storages');
tar.write('ustar', 257);

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const KINDS: readonly (readonly [what: string, bytes: Buffer, hint: string])[] = [
  ['Git LFS pointer', latin1('version https://git-lfs.github.com/spec/v1\noid x'), 'git lfs pull'],
  ['web page', latin1('<!DOCTYPE html><html><title>Sign in</title>'), 'download it again'],
  ['web page', latin1('\n  <html lang="en">'), 'download it again'],
  ['XML document', latin1('<?xml version="1.0"?><Error><Code>AccessDenied</Code>'), 'reason'],
  ['error reply of a server', latin1('{"error":"Repository not found"}'), 'reason'],
  ['index of shards', latin1('{"metadata": {"total_size": 1}, "weight_map": {}}'), 'folder'],
  ['JSON document', latin1('{\n "architectures": ["ViT"]}'), 'file of weights'],
  ['HDF5 file', latin1('\x89HDF\r\n\x1a\n\0\0\0\0'), 'torch.save'],
  ['GGUF file', latin1('GGUF\x03\0\0\0'), 'safetensors'],
  ['tar archive', tar, 'unpack'],
  ['gzip archive', gzipSync('weights'), 'unpack'],
  ['NumPy array', latin1('\x93NUMPY\x01\0v\0'), '.npz'],
  ['ONNX model', latin1('\x08\x08\x12\x07pytorch'), 'made from'],
  ['SavedModel of TensorFlow', latin1('\x08\x01\x12\xa0\x01'), 'torch.save'],
  ['MessagePack file', latin1('\x81\xa6params\x82'), 'torch.save'],
  ['kind PNG', latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'file of weights'],
  ['begins with zeros', Buffer.alloc(4096), 'download it again'],
  ['a pickle that torch.save did not write', latin1('\x80\x04}\x94.'), 'torch.save'],
  ['a text that begins with "Not Found"', latin1('Not Found\n'), 'download it again'],
  ['it is empty', Buffer.alloc(0), 'download it again'],
  ['TorchScript', zipOf({ name: 'm/data.pkl' }, { name: 'm/constants.pkl' }), 'torch.jit.load'],
  ['zip with vit/model.safetensors', zipOf({ name: 'vit/model.safetensors' }), 'unpack'],
  ['model of Keras', zipOf({ name: 'config.json' }, { name: 'model.weights.h5' }), 'torch.save'],
  [
    'zip without weights (it has a.txt and 1 more)',
    zipOf({ name: 'a.txt' }, { name: 'b' }),
    'file',
  ],
];

describe('a file that is not weights', () => {
  it.each(KINDS)('is called a %s', async (what, bytes, hint) => {
    const path = join(folder, 'vit.safetensors');
    writeFileSync(path, bytes);
    await expect(readWeights(path)).rejects.toMatchObject({
      code: 'DATA_INVALID',
      message: expect.stringContaining(what),
      hint: expect.stringContaining(hint),
    });
  });
});
