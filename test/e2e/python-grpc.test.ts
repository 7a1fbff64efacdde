/** @file The bulk calls are gRPC: Google's own library for Python makes each of them. Skipped, with the reason, without it. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { bytesOf } from '../../shared/contract/chunks.ts';
import { protoPackage } from '../../shared/exchange/grpc/protos.ts';
import { JOIN, LIMITS, NotingPort, startLoopback } from '../support/loopback.ts';

/** Kept for the next run: the library is large. */
const VENV = '/tmp/tessera-grpcio';
const INSTALL_MS = 120_000;

/** A Python that has the library; else why there is none. */
function pythonWithGrpc(): { readonly python: string } | { readonly reason: string } {
  const python = join(VENV, 'bin', 'python');
  const has = () => {
    try {
      execFileSync(python, ['-c', 'import grpc, google.protobuf.message_factory'], {
        stdio: 'pipe',
      });
      return true;
    } catch {
      return false;
    }
  };
  if (existsSync(python) && has()) return { python };
  const options = { stdio: 'pipe', timeout: INSTALL_MS } as const;
  try {
    execFileSync('python3', ['-m', 'venv', VENV], options);
    execFileSync(
      python,
      ['-m', 'pip', 'install', '--quiet', 'grpcio==1.85.3', 'protobuf==7.36.2'],
      options,
    );
    return has() ? { python } : { reason: 'grpcio is installed and cannot be imported' };
  } catch (error) {
    const [line] = String((error as { stderr?: unknown }).stderr || error).split('\n');
    return { reason: `grpcio cannot be installed into ${VENV}: ${line}` };
  }
}

const found = pythonWithGrpc();
if ('reason' in found) process.stderr.write(`skipped: calls from Python, ${found.reason}\n`);

const port = new NotingPort();
// Some chunks of a worker's size: longer than a frame, a window and a message of the library's default.
port.gradientLength = 3_000_001;
port.vector = Float32Array.from({ length: port.gradientLength }, (_, index) => Math.sin(index));
const limits = { ...LIMITS, chunkBytes: 1024 * 1024, sampleBytes: 1024 * 1024 };
const { server, link } = await startLoopback(port, limits);
port.join(JOIN, { send: () => {}, close: () => {} });

afterAll(async () => {
  link.close();
  await server.stop(0);
});

it.skipIf('reason' in found)(
  'Python calls each of them',
  async () => {
    const { python } = found as { python: string };
    const script = join(import.meta.dirname, 'python-grpc.py');
    const files = new Set(
      Object.values(protoPackage).flatMap((known) => {
        const { fileDescriptorProtos = [] } = known as { fileDescriptorProtos?: readonly Buffer[] };
        return fileDescriptorProtos.map((bytes) => bytes.toString('base64'));
      }),
    );
    const running = promisify(execFile)(python, [script, server.address], { timeout: 60_000 });
    running.child.stdin?.end(JSON.stringify([...files]));
    const { stdout } = await running;
    expect(JSON.parse(stdout)).toEqual({
      vector: crc32(bytesOf(port.vector)),
      chunksHold: true,
      samples: [
        [9, 6300, true],
        [2, 1400, true],
      ],
      outcome: 1,
      features: [[1]],
      refusal: ['ABORTED', 'no such session', 'SESSION_UNKNOWN'],
    });
    expect(port.nodes).toHaveLength(1);
    expect(crc32(bytesOf(port.nodes[0]!.gradient!))).toBe(crc32(bytesOf(port.vector)));
  },
  90_000,
);
