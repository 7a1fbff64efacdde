/** @file What a request to the page's server asks for, by its head alone. Pure. */
import { isIP } from 'node:net';
import { hostOf } from '../../shared/core/address.ts';
import { type Refusal, type RequestHead, refused, refuseOtherSite } from '../http/refusal.ts';

/** Which requests are carried out. */
export interface BoardRules {
  /** Names by which this server may be called beside addresses and localhost: others are of pages that rebound theirs. */
  readonly names: readonly string[];
  /** What only the page itself knows: a request that changes something shows it. */
  readonly pageToken: string;
  readonly assets: ReadonlySet<string>;
}

/** What is to be done. */
export type BoardAsked =
  | { readonly type: 'page' | 'runs' | 'metrics' | 'health' | 'ready' }
  | { readonly type: 'asset'; readonly name: string }
  | { readonly type: 'events'; readonly lastId: string }
  | { readonly type: 'run' | 'config' | 'stop' | 'pictures' | 'look'; readonly run: string }
  | { readonly type: 'lanes'; readonly run: string; readonly windowMs: number }
  | { readonly type: 'steps'; readonly run: string; readonly view: StepsView }
  | Refusal;

/** Which steps are drawn; see `StepColumns.decimate`. */
interface StepsView {
  readonly points: number;
  readonly from?: number;
  readonly to?: number;
  readonly known?: { readonly bucket: number; readonly after: number };
}

const PLAIN = {
  '/': 'page',
  '/api/runs': 'runs',
  '/metrics': 'metrics',
  '/healthz': 'health',
  '/readyz': 'ready',
} as const;
const POINTS = { usual: 600, max: 2000 };
const WINDOW_SECONDS = { usual: 120, max: 600 };

/** Judges the head of a request. */
export function judgeBoardHead(
  { method, url, headers }: RequestHead,
  rules: BoardRules,
): BoardAsked {
  const refusal = refuseRebound(headers, rules) ?? refuseOtherSite(headers);
  if (refusal !== undefined) return refusal;
  const [path = '', query = ''] = url.split('?');
  const of = /^\/api\/runs\/([^/]+)\/(steps|lanes|run|config|pictures|stop|look)$/.exec(path);
  const [, name = '', what] = of ?? [];
  const allowed = what === 'stop' || what === 'look' ? ['POST'] : ['GET', 'HEAD'];
  if (!allowed.includes(method)) {
    return refused(405, 'METHOD', `this takes ${allowed.join(', ')}`, {
      allow: allowed.join(', '),
    });
  }
  if (of !== null) return ofRun(what as 'steps', name, new URLSearchParams(query), headers, rules);
  if (path === '/api/events') {
    return { type: 'events', lastId: String(headers['last-event-id'] ?? '') };
  }
  if (Object.hasOwn(PLAIN, path)) return { type: PLAIN[path as keyof typeof PLAIN] };
  const asset = path.slice(1);
  if (rules.assets.has(asset)) return { type: 'asset', name: asset };
  return refused(404, 'NOT_FOUND', 'there are /, /metrics, /healthz, /readyz and /api/runs');
}

function ofRun(
  what: 'steps' | 'lanes' | 'run' | 'config' | 'pictures' | 'stop' | 'look',
  encoded: string,
  query: URLSearchParams,
  headers: RequestHead['headers'],
  rules: BoardRules,
): BoardAsked {
  const run = decoded(encoded);
  if (run === undefined) return refused(400, 'QUERY', 'the name of the run is not encoded well');
  if (what === 'stop' || what === 'look') {
    return refuseChange(headers, rules) ?? { type: what, run };
  }
  if (what === 'lanes') {
    const seconds = whole(query.get('window')) ?? WINDOW_SECONDS.usual;
    const windowMs = 1000 * Math.min(Math.max(10, seconds), WINDOW_SECONDS.max);
    return { type: 'lanes', run, windowMs };
  }
  if (what !== 'steps') return { type: what, run };
  const [from, to] = [whole(query.get('from')), whole(query.get('to'))];
  const [bucket, after] = [whole(query.get('bucket')), whole(query.get('after'))];
  const points = Math.min(Math.max(10, whole(query.get('points')) ?? POINTS.usual), POINTS.max);
  const view = {
    points,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(bucket !== undefined && after !== undefined && { known: { bucket, after } }),
  };
  return { type: 'steps', run, view };
}

/** Of a page whose name was made to mean this server: an address or localhost cannot be rebound. */
function refuseRebound({ host }: RequestHead['headers'], { names }: BoardRules) {
  const named = String(host ?? '');
  const name = hostOf(/:\d+$/.test(named) ? named : `${named}:0`).toLowerCase();
  if (name === 'localhost' || isIP(name) !== 0 || names.includes(name)) return undefined;
  return refused(421, 'WRONG_HOST', `this server is not called ${name || 'nothing'}`);
}

/** What changes something or takes time is asked by the page itself: it knows the token, and comes from here. */
function refuseChange(headers: RequestHead['headers'], { pageToken }: BoardRules) {
  const site = headers['sec-fetch-site'] ?? 'same-origin';
  const origin = headers['origin'];
  const isOurs =
    origin === undefined || String(origin).replace(/^https?:\/\//, '') === String(headers['host']);
  if (site === 'same-origin' && isOurs && headers['x-tessera-page'] === pageToken) return undefined;
  return refused(
    403,
    'CROSS_SITE',
    'this is for the page of this server; a run is also stopped by tessera stop',
  );
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function whole(text: string | null): number | undefined {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
