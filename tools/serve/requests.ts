/** @file What a request asks for, by its head alone: decisions of `tessera serve`. Pure. */
import {
  type Refusal,
  type RequestHead,
  refused,
  refuseOtherName,
  refuseOtherSite,
} from '../http/refusal.ts';

/** Which hosts and sizes are served. */
export interface RequestRules {
  /** Where a plaintext server on loopback listens: pages of other sites must not reach it by a name of their own. */
  readonly isLocal: boolean;
  readonly bodyBytesMax: number;
}

/** What is to be done. */
export type Asked =
  | { readonly type: 'page' }
  | { readonly type: 'health' }
  | { readonly type: 'metrics' }
  | { readonly type: 'predict'; readonly top: number; readonly withLogits: boolean }
  | Refusal;

const ROUTES = {
  '/': { type: 'page', methods: ['GET', 'HEAD'] },
  '/health': { type: 'health', methods: ['GET', 'HEAD'] },
  '/metrics': { type: 'metrics', methods: ['GET', 'HEAD'] },
  '/predict': { type: 'predict', methods: ['POST'] },
} as const;

const TOP = 5;

/** Judges the head of a request. */
export function judgeHead({ method, url, headers }: RequestHead, rules: RequestRules): Asked {
  const wrongHost = rules.isLocal ? refuseOtherName(headers) : undefined;
  if (wrongHost !== undefined) return wrongHost;
  const [path = '', query = ''] = url.split('?');
  const route = Object.hasOwn(ROUTES, path) ? ROUTES[path as keyof typeof ROUTES] : undefined;
  if (route === undefined) {
    return refused(404, 'NOT_FOUND', 'there are /, /predict, /health and /metrics');
  }
  if (!(route.methods as readonly string[]).includes(method)) {
    const allow = route.methods.join(', ');
    return refused(405, 'METHOD', `${path} takes ${allow}`, { allow });
  }
  if (route.type !== 'predict') return { type: route.type };
  const crossSite = refuseOtherSite(headers);
  if (crossSite !== undefined) return crossSite;
  if (Number(headers['content-length'] ?? 0) > rules.bodyBytesMax) return tooLarge(rules);
  return predictionBy(new URLSearchParams(query));
}

/** The refusal of a body that is too large. */
export function tooLarge({ bodyBytesMax }: Pick<RequestRules, 'bodyBytesMax'>): Refusal {
  const limit = `${bodyBytesMax / 1024 ** 2} MiB`;
  return refused(413, 'TOO_LARGE', `an image has at most ${limit}`);
}

function predictionBy(query: URLSearchParams): Asked {
  const top = query.get('top') ?? String(TOP);
  if (!/^[1-9]\d{0,5}$/.test(top)) {
    return refused(400, 'QUERY', `top is a whole number from 1, not ${JSON.stringify(top)}`);
  }
  const logits = query.get('logits') ?? '0';
  if (logits !== '0' && logits !== '1') {
    return refused(400, 'QUERY', `logits is 0 or 1, not ${JSON.stringify(logits)}`);
  }
  return { type: 'predict', top: Number(top), withLogits: logits === '1' };
}
