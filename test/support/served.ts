/** @file A server of `tessera serve` whose model is a function, and requests byte by byte. */
import { connect } from 'node:net';
import { systemClock } from '../../shared/core/clock.ts';
import type { ImageOutcome } from '../../tools/serve/model-messages.ts';
import { serveModel } from '../../tools/serve/server.ts';

type Limits = Parameters<typeof serveModel>[0]['limits'];

interface ExchangeOptions {
  enough(text: string): boolean;
  readonly ends: boolean;
}

/** An image whose first byte is 0 is refused; the logits of others are their size and their first byte. */
function logitsOfBytes(image: Uint8Array): ImageOutcome {
  if (image[0] === 0) return { failure: { code: 'DATA_INVALID', sentence: 'cannot decode it' } };
  return { logits: Float32Array.of(image.length, image[0] as number) };
}

/** Serves such a model on loopback; `before` is waited for by each computation. */
export async function serveBytes(
  limits: NonNullable<Limits> = {},
  before: (images: number) => Promise<void> = async () => {},
) {
  const model = {
    description: {
      path: 'none',
      name: 'bytes',
      classes: ['size', 'first'],
      engine: 'none',
      notes: [],
    },
    compute: async (images: readonly Uint8Array[]) => {
      await before(images.length);
      return images.map(logitsOfBytes);
    },
    close: async () => {},
  };
  const server = await serveModel({
    ...{ model, batch: 4, listen: '127.0.0.1:0', clock: systemClock, limits },
  });
  const port = Number(new URL(server.url).port);
  return { ...server, port };
}

/**
 * Sends bytes on a connection of their own, and ends its side where it `ends`; what came back until the server ended its
 * own, or `enough` of it did.
 */
export async function exchange(
  port: number,
  bytes: Uint8Array | string,
  { enough = () => false, ends = false }: Partial<ExchangeOptions> = {},
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  await new Promise<void>((done) => {
    socket.on('error', () => done()).on('close', () => done());
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      if (enough(text)) done();
    });
    if (ends) socket.end(bytes);
    else socket.write(bytes);
  });
  socket.destroy();
  return text;
}
