/**
 * @file A lane: a port of the coordinator that takes and gives ranges of vectors, served in a thread that shares their
 * memory. Who may call it, and within which limits, is as on the coordinator's own port.
 */
import type { MessagePort } from 'node:worker_threads';
import { reportOf } from '../../../core/error-report.ts';
import { TesseraError } from '../../../core/errors.ts';
import type { VectorMemory } from '../../../kernels/vectors.ts';
import type { TlsMaterial } from '../../../security/credentials.ts';
import { KnownToken } from '../../../security/tokens.ts';
import { METHODS } from '../bulk/methods.ts';
import { download, takeCalls, upload } from '../bulk/server.ts';
import type { KnownTokens, TlsSource } from '../credentials.ts';
import { type RpcServer, startServer } from '../server.ts';
import { LaneCalls } from './lane-calls.ts';
import type { LaneNews, LaneOrder, LaneStart } from './messages.ts';

/** Serves a lane as the main thread orders over `port`; the vectors of the run are found in `vectors`. */
export function serveLane(port: MessagePort, vectors: Pick<VectorMemory, 'at'>): void {
  const notify = (news: LaneNews) => port.postMessage(news);
  let calls: LaneCalls | undefined;
  let certificates: Certificates | undefined;
  let server: Promise<RpcServer> | undefined;
  port.on('message', (order: LaneOrder) => {
    switch (order.type) {
      case 'start': {
        const { start } = order;
        calls = new LaneCalls(start, vectors, notify);
        certificates = start.security && new Certificates(start.security.material);
        server = listen(start, calls, { certificates, notify });
        server.then(
          (it) => notify({ type: 'listens', port: it.port }),
          (error: unknown) => notify({ type: 'failed', error: reportOf(TesseraError.from(error)) }),
        );
        break;
      }
      case 'reply':
        calls?.reply(order.call, order.reply);
        break;
      case 'renew':
        certificates?.renew(order.material);
        break;
      case 'stop':
        Promise.resolve(server)
          .then((it) => it?.stop(order.graceMs))
          .catch(() => {})
          .finally(() => port.close());
        break;
      default:
        order satisfies never;
    }
  });
}

interface LaneParts {
  readonly certificates: Certificates | undefined;
  readonly notify: (news: LaneNews) => void;
}

async function listen(
  { listen: address, limits, security }: LaneStart,
  calls: LaneCalls,
  { certificates, notify }: LaneParts,
): Promise<RpcServer> {
  const report = (error: TesseraError, method: string, peer: string) =>
    notify({ type: 'refused', error: reportOf(error), method, peer });
  const { messageBytes, rpcMs: streamMs } = limits;
  const service = { report, messageBytes, streamMs };
  const takeStream = takeCalls([
    upload(service, METHODS.pushNode, (messages, context) => calls.push(messages, context)),
    download(service, METHODS.pullParameters, (request, context) => calls.pull(request, context)),
  ]);
  return await startServer(address, [], {
    ...{ limits, report, takeStream },
    security: certificates && { tls: certificates, tokens: tokensOf(security?.tokens) },
  });
}

function tokensOf(hashes: NonNullable<LaneStart['security']>['tokens'] = {}): KnownTokens {
  const roles = Object.entries(hashes);
  return Object.fromEntries(roles.map(([role, known]) => [role, new KnownToken(...known)]));
}

/** What a lane shows, and the authority that it trusts; the main thread reads the files. */
class Certificates implements TlsSource {
  current: TlsMaterial;
  readonly #listeners: (() => void)[] = [];

  constructor(material: TlsMaterial) {
    this.current = received(material);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  renew(material: TlsMaterial): void {
    this.current = received(material);
    for (const listener of this.#listeners) listener();
  }
}

/** Buffers come from another thread as plain bytes. */
function received({ authority, identity }: TlsMaterial): TlsMaterial {
  return {
    authority: Buffer.from(authority),
    identity: identity && {
      certificate: Buffer.from(identity.certificate),
      key: Buffer.from(identity.key),
    },
  };
}
