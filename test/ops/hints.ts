/** @file Kind 6: each cause has its own words and its own hint, and the coordinator says whom it refused. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { statusWhere, type TesseraProcess } from '../support/cluster.ts';
import type { Situation } from './situation.ts';
import type { Stage } from './stage.ts';
import { ENDLESS, set, TINY } from './tiny-run.ts';

/** Makes certificates; answers the flags of each role. */
async function certificates(stage: Stage) {
  const { code, stderr } = await stage.tessera(['certs', 'init', 'certs']).ended;
  if (code !== 0) throw new Error(stderr);
  const of = (role: string) => ['--certs', `certs/${role}`];
  return { coordinator: of('coordinator'), worker: of('worker'), operator: of('operator') };
}

type Roles = Awaited<ReturnType<typeof certificates>>;

/** A caller and a coordinator of which one speaks TLS and the other does not. */
function overTheWrongWire(
  title: string,
  isCoordinatorSecure: boolean,
  typed: (address: string, roles: Roles) => readonly string[],
  says: readonly RegExp[],
  also: (coordinator: TesseraProcess) => Promise<unknown> = async () => {},
): Situation {
  return {
    kind: 6,
    title,
    code: 77,
    says: [...says, /TLS/, /hint: /],
    async play(stage) {
      const roles = await certificates(stage);
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'run', '--listen', '127.0.0.1:0'],
        ...(isCoordinatorSecure ? roles.coordinator : []),
      ]);
      const asked = stage.tessera(typed(address, roles));
      await asked.ended;
      await also(coordinator);
      return asked;
    },
  };
}

const LOOKS_BRIEFLY = ['--reconnect', '1s'];

export const HINTS: readonly Situation[] = [
  {
    kind: 6,
    title: "A worker finds another model's run at its address: both sides say so",
    code: 76,
    says: [/another run|other run|different run/i, /hint: /],
    never: [/same version/],
    async play(stage) {
      const first = await stage.coordinator([...TINY, ...ENDLESS, '--run-folder', 'first']);
      const worker = stage.tessera(['worker', first.address, '--name', 'faithful']);
      await statusWhere(first.address, ({ step }) => step > 1);
      first.coordinator.kill('SIGKILL');
      await first.coordinator.ended;
      const second = await stage.coordinator([
        ...[...TINY, ...ENDLESS, ...set('model.width=24'), '--listen', first.address],
        ...['--run-folder', 'second'],
      ]);
      await worker.ended;
      await second.coordinator.printed(/faithful/);
      return worker;
    },
  },
  overTheWrongWire(
    'A worker in plaintext at a coordinator with TLS',
    true,
    (address) => ['worker', address, ...LOOKS_BRIEFLY],
    [/--certs/],
    (coordinator) => coordinator.printed(/TLS|plaintext/),
  ),
  overTheWrongWire(
    'status in plaintext at a coordinator with TLS',
    true,
    (address) => ['status', address],
    [/--certs/],
  ),
  overTheWrongWire(
    'stop in plaintext at a coordinator with TLS',
    true,
    (address) => ['stop', address],
    [/--certs/],
  ),
  overTheWrongWire(
    'A worker with TLS at a coordinator in plaintext',
    false,
    (address, { worker }) => ['worker', address, ...worker, ...LOOKS_BRIEFLY],
    [/plain/i],
    (coordinator) => coordinator.printed(/TLS/),
  ),
  overTheWrongWire(
    'status with TLS at a coordinator in plaintext',
    false,
    (address, { operator }) => ['status', address, ...operator],
    [/plain/i],
  ),
  overTheWrongWire(
    'stop with TLS at a coordinator in plaintext',
    false,
    (address, { operator }) => ['stop', address, ...operator],
    [/plain/i],
  ),
  {
    kind: 6,
    title: "A worker with a token that is not the run's: both sides say so",
    code: 77,
    says: [/token/, /hint: /],
    async play(stage) {
      const roles = await certificates(stage);
      for (const name of ['right', 'wrong']) {
        const { stdout } = await stage.tessera(['certs', 'token']).ended;
        writeFileSync(stage.path(`${name}.token`), stdout, { mode: 0o600 });
      }
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'run', '--listen', '127.0.0.1:0'],
        ...[...roles.coordinator, '--token-file', 'right.token'],
      ]);
      const worker = stage.tessera([
        ...['worker', address, '--ca', 'certs/ca.crt', '--token-file', 'wrong.token'],
      ]);
      await worker.ended;
      await coordinator.printed(/refused|token/);
      return worker;
    },
  },
  {
    kind: 6,
    title: 'A worker at the address of a web server',
    code: 76,
    says: [/web server/, /127\.0\.0\.1:\d+/, /hint: /],
    async play(stage) {
      const server = createServer((_, reply) => reply.writeHead(404).end());
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      const { port } = server.address() as AddressInfo;
      const worker = stage.tessera(['worker', `127.0.0.1:${port}`, ...LOOKS_BRIEFLY]);
      await worker.ended;
      server.close();
      return worker;
    },
  },
  {
    kind: 6,
    title: 'A worker with certificates of another authority: both sides say so',
    code: 77,
    says: [/not signed by a trusted CA/, /hint: /],
    async play(stage) {
      const roles = await certificates(stage);
      await stage.tessera(['certs', 'init', 'others']).ended;
      const { coordinator, address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'run', '--listen', '127.0.0.1:0'],
        ...roles.coordinator,
      ]);
      const worker = stage.tessera([
        'worker',
        address,
        '--certs',
        'others/worker',
        ...LOOKS_BRIEFLY,
      ]);
      await worker.ended;
      await coordinator.printed(/refused|certificate/);
      return worker;
    },
  },
  {
    kind: 6,
    title: 'stop with the certificate of a worker: the role is named, the run continues',
    code: 77,
    says: [/worker/, /operator/, /hint: /],
    async play(stage) {
      const roles = await certificates(stage);
      const { address } = await stage.coordinator([
        ...[...TINY, ...ENDLESS, '--run-folder', 'run', '--listen', '127.0.0.1:0'],
        ...roles.coordinator,
      ]);
      const stop = stage.tessera(['stop', address, ...roles.worker]);
      await stop.ended;
      const { code } = await stage.tessera(['status', address, ...roles.operator]).ended;
      if (code !== 0) throw new Error('the run does not go on');
      return stop;
    },
  },
];
