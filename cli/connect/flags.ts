/** @file Flags about who may come in, of the commands that serve a run and of those that call one. */
import type { Command } from 'commander';

const INSECURE = 'Plaintext, open to all who reach the port';

/** Adds what a command that serves a run has. */
export function addServerSecurity(target: Command): void {
  target
    .optionsGroup('Security:')
    .option('--certs <folder>', 'TLS with ca.crt, tls.crt and tls.key (tessera certs)')
    .option('--token-file <file>', 'Workers may join with this token (-: stdin)')
    .option('--operator-token-file <file>', 'Operators may show this token')
    .option('--insecure', INSECURE);
}

/** Adds what a command that calls a coordinator has. */
export function addClientSecurity(target: Command): void {
  target
    .optionsGroup('Security:')
    .option('--certs <folder>', 'TLS with ca.crt, tls.crt and tls.key (tessera certs)')
    .option('--ca <file>', 'TLS with this authority, and a token')
    .option('--token-file <file>', 'The token to show (-: stdin)')
    .option('--insecure', INSECURE);
}
