/**
 * @file What safety costs a step: TLS on against TLS off, run by turns; and what checksums cost beside that.
 *
 * ViT-Ti/16 at 224 px, two workers, batch 64, as in `cluster.ts`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, ChunkAssembler, cutChunks } from '../shared/contract/chunks.ts';
import { createAuthority, issueCertificate } from '../shared/security/certificates.ts';
import { CREDENTIAL_FILES } from '../shared/security/credentials.ts';
import { trainSteps } from './cluster.ts';
import { median, rangeOf, ratiosOf } from './figures/median.ts';

/** What was measured. Units  milliseconds, medians over all steps; shares are of a plain step. */
export interface SafetyFigures {
  readonly steps: number;
  readonly plainMs: number;
  readonly tlsMs: number;
  /** (tls - plain) / plain. */
  readonly tlsShare: number;
  /** Least and largest tls / plain of a turn; and of plain against the plain before it, which is the machine's own doing. */
  readonly tlsRatios: string;
  readonly plainRatios: string;
  /** Cutting and checking, of what one worker pushes and pulls in a step: CRC-32 on both sides, and the look for NaN. */
  readonly checksumMs: number;
  readonly checksumShare: number;
  /** Both: leases cost messages of a few hundred bytes, and are in the plain step. */
  readonly share: number;
}

const TURNS = 4;
/** Parameters of ViT-Ti/16 with ten classes. */
const NUM_PARAMETERS = 5_526_346;
const CHUNK_BYTES = 1024 * 1024;

/** Measures both kinds of run by turns, so that a slow minute of the machine strikes both. */
export async function benchSafety(): Promise<SafetyFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-certs-'));
  try {
    await writeCredentials(folder);
    const { plain, tls } = await byTurns(folder);
    const [plainMs, tlsMs, checksumMs] = [
      median(plain.flat()),
      median(tls.flat()),
      measureChecksums(),
    ];
    const tlsShare = (tlsMs - plainMs) / plainMs;
    const checksumShare = checksumMs / plainMs;
    const [plains, tlses] = [plain.map(median), tls.map(median)];
    return {
      steps: plain.flat().length,
      plainMs,
      tlsMs,
      tlsShare,
      tlsRatios: rangeOf(ratiosOf(tlses, plains)),
      plainRatios: rangeOf(ratiosOf(plains.slice(1), plains)),
      checksumMs,
      checksumShare,
      share: tlsShare + checksumShare,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of the steps of each run. The order changes from turn to turn, so that a machine that slows down favours neither. */
async function byTurns(certs: string): Promise<{ plain: number[][]; tls: number[][] }> {
  const times = { plain: [] as number[][], tls: [] as number[][] };
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const kind of turn % 2 === 0 ? (['plain', 'tls'] as const) : (['tls', 'plain'] as const)) {
      const steps = await trainSteps(kind === 'tls' ? ['--certs', certs] : []);
      times[kind].push(steps.map(({ wallMs }) => wallMs));
    }
  }
  return times;
}

async function writeCredentials(folder: string): Promise<void> {
  const authority = await createAuthority('bench', 1);
  const hosts = ['127.0.0.1'];
  const leaf = await issueCertificate(authority, {
    name: 'bench',
    role: 'coordinator',
    hosts,
    days: 1,
  });
  const contents = {
    authority: authority.certificate,
    certificate: leaf.certificate,
    key: leaf.key,
  };
  for (const [file, name] of Object.entries(CREDENTIAL_FILES)) {
    await writeFile(join(folder, name), contents[file as keyof typeof contents], { mode: 0o600 });
  }
}

/** Milliseconds for one vector up and one down, as the difference to copying the same bytes. */
function measureChecksums(): number {
  const source = new Float32Array(NUM_PARAMETERS).fill(0.5);
  const target = new Float32Array(NUM_PARAMETERS);
  const move = (work: () => void) => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  };
  const rounds = Array.from({ length: 15 }, () => {
    const checked = move(() => {
      const assembler = new ChunkAssembler(target, 'a vector');
      for (const chunk of cutChunks(bytesOf(source), CHUNK_BYTES)) assembler.add(chunk);
      assembler.finish();
    });
    return checked - move(() => target.set(source));
  });
  return 2 * median(rounds);
}
