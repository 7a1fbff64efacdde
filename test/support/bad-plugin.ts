/** @file Planted plugins: the CPU plugin with one fault, built by the machine's C++ compiler. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineRecord } from '../../shared/compute/engines/installed.ts';
import { lacksXlaCpu, XLA_CPU } from './xla.ts';

/** What is wrong with a planted plugin. */
export interface Fault {
  /** `version`: it says that its API is 0.112. The others abort their process in a call. */
  readonly kind: 'version' | 'Client_Create' | 'LoadedExecutable_Execute';
  /** Calls that go well first, in each process. */
  readonly after?: number;
  /** A file that is made by the first process that aborts; while it is there none does. */
  readonly once?: string;
}

/** Place in the function table. */
const PLACES = { version: -1, Client_Create: 10, LoadedExecutable_Execute: 55 } as const;

const SOURCE = `
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <atomic>
static char api[65536];
static void* (*real)(void*);
static std::atomic<long> calls{0};
static void* bad(void* arguments) {
  if (calls++ >= AFTER && access(ONCE, F_OK) != 0) {
    if (ONCE[0]) close(open(ONCE, O_CREAT | O_WRONLY, 0600));
    fprintf(stderr, "planted fault: aborts\\n");
    abort();
  }
  return real(arguments);
}
extern "C" void* GetPjrtApi() {
  void* library = dlopen(REAL, RTLD_NOW | RTLD_NODELETE);
  if (!library) return nullptr;
  void* whole = ((void* (*)())dlsym(library, "GetPjrtApi"))();
  memcpy(api, whole, *(size_t*)whole);
  if (PLACE < 0) { *(int*)(api + 36) = 112; return api; }
  void** entry = (void**)(api + 40) + PLACE;
  real = (void* (*)(void*))*entry;
  *entry = (void*)bad;
  return api;
}
`;

/** Says why tests of planted plugins are skipped; returns whether they are. */
export function lacksBadPlugin(what: string): boolean {
  if (lacksXlaCpu(what)) return true;
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    process.stderr.write(`skipped: ${what}, there is no g++ here\n`);
    return true;
  }
}

/** Builds a plugin with a fault in a folder; returns its path. */
export function buildBadPlugin(folder: string, { kind, after = 0, once = '' }: Fault): string {
  const source = join(folder, 'bad.cc');
  const path = join(folder, 'bad.so');
  writeFileSync(source, SOURCE);
  const macros = [
    `-DREAL=${JSON.stringify(XLA_CPU)}`,
    `-DPLACE=${PLACES[kind]}`,
    `-DAFTER=${after}`,
    `-DONCE=${JSON.stringify(once)}`,
  ];
  execFileSync('g++', ['-shared', '-fPIC', '-w', ...macros, '-o', path, source, '-ldl']);
  return path;
}

/** Installs a plugin with a fault as the engine xla-cpu of a folder of engines, for TESSERA_ENGINES. */
export function installBadEngine(engines: string, fault: Fault): void {
  const folder = join(engines, 'xla-cpu');
  mkdirSync(folder, { recursive: true });
  buildBadPlugin(folder, fault);
  const record: EngineRecord = {
    ...{ name: 'xla-cpu', engine: 'xla-cpu', version: '0', library: 'bad.so', wheels: [] },
  };
  writeFileSync(join(folder, 'engine.json'), JSON.stringify(record));
}
