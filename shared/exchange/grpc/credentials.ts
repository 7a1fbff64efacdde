/**
 * @file TLS and tokens on both ends of a connection, and certificates that are read again when they change.
 */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import {
  CallCredentials,
  ChannelCredentials,
  type ChannelOptions,
  experimental,
  Metadata,
  ResponderBuilder,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js';
import {
  type Role,
  refuseUnlessAllowed,
  type ShownCredential,
  type TokensByRole,
} from '../../contract/access.ts';
import { TesseraError } from '../../core/errors.ts';
import type { TlsMaterial } from '../../security/credentials.ts';
import type { KnownToken } from '../../security/tokens.ts';
import { toStatus } from './errors.ts';
import type { TrustNews } from './revocation.ts';

/** Material that may change while it is used. */
export interface TlsSource {
  readonly current: TlsMaterial;
  /** Calls back after each change. */
  onChange(listener: () => void): void;
}

/** What a server asks for; undefined anywhere it is taken means plaintext, open to all who reach the port. */
export interface ServerSecurity {
  readonly tls: TlsSource;
  readonly tokens: KnownTokens;
}

/** The tokens of each role. */
export type KnownTokens = Partial<Readonly<Record<Role, KnownToken>>>;

/** What a client trusts and shows. */
export interface ClientSecurity {
  readonly tls: TlsSource;
  readonly token?: string | undefined;
}

/** Hands material to grpc-js, and again whenever it changes. */
class Provider implements experimental.CertificateProvider {
  readonly #source: TlsSource;
  readonly #authorities = new Set<experimental.CaCertificateUpdateListener>();
  readonly #identities = new Set<experimental.IdentityCertificateUpdateListener>();

  constructor(source: TlsSource) {
    this.#source = source;
    source.onChange(() => {
      for (const listener of this.#authorities) this.#notifyAuthority(listener);
      for (const listener of this.#identities) this.#notifyIdentity(listener);
    });
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#authorities.add(listener);
    // Not at once: grpc-js registers itself only after this call.
    queueMicrotask(() => this.#notifyAuthority(listener));
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#authorities.delete(listener);
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#identities.add(listener);
    queueMicrotask(() => this.#notifyIdentity(listener));
  }

  removeIdentityCertificateListener(
    listener: experimental.IdentityCertificateUpdateListener,
  ): void {
    this.#identities.delete(listener);
  }

  #notifyAuthority(listener: experimental.CaCertificateUpdateListener): void {
    listener({ caCertificate: this.#source.current.authority });
  }

  #notifyIdentity(listener: experimental.IdentityCertificateUpdateListener): void {
    const { identity } = this.#source.current;
    listener(
      identity === undefined
        ? null
        : { certificate: identity.certificate, privateKey: identity.key },
    );
  }
}

const providers = new WeakMap<TlsSource, Provider>();

/** One for each source, however many channels are made with it. */
function providerOf(source: TlsSource): Provider {
  const known = providers.get(source) ?? new Provider(source);
  providers.set(source, known);
  return known;
}

/** Credentials of a server. A client may come without a certificate: it then needs a token. */
export function serverCredentials(security: ServerSecurity | undefined): ServerCredentials {
  if (security === undefined) return ServerCredentials.createInsecure();
  const provider = providerOf(security.tls);
  return experimental.createCertificateProviderServerCredentials(provider, provider, false);
}

/** Credentials of a channel to `host`, which the certificate there must be of. */
export function channelCredentials(
  security: ClientSecurity | undefined,
  host: string,
): ChannelCredentials {
  if (security === undefined) return ChannelCredentials.createInsecure();
  const { tls, token } = security;
  const provider = providerOf(tls);
  const identity = tls.current.identity === undefined ? null : provider;
  const channel = experimental.createCertificateProviderChannelCredentials(provider, identity, {
    checkServerIdentity: (_name, certificate) =>
      checkServerIdentity(host, certificate as PeerCertificate),
  });
  if (token === undefined) return channel;
  const shown = new Metadata();
  shown.set('authorization', `Bearer ${token}`);
  return channel.compose(
    CallCredentials.createFromMetadataGenerator((_call, callback) => callback(null, shown)),
  );
}

/**
 * Options of a channel to `host`: an IP address is not a valid server name in TLS (RFC 6066), so a fixed name is used
 * instead; the certificate is still checked against the address.
 */
export function tlsOptions(security: ClientSecurity | undefined, host: string): ChannelOptions {
  if (security === undefined || isIP(host) === 0) return {};
  return { 'grpc.ssl_target_name_override': 'coordinator.tessera' };
}

/** What a caller shows for one call. */
interface Shown {
  /** `HOST:PORT`. */
  readonly peer: string;
  readonly certificate: ShownCredential['certificate'];
  /** The `authorization` metadata, '' without. */
  readonly authorization: string;
}

/** Judges a call by its path; returns the caller's role, undefined for a call that is open to all. Throws  ACCESS_DENIED. */
export type JudgeCall = (path: string, shown: Shown) => Role | undefined;

/** The judge of every call of a server, which reports what it refuses. */
export function judgeOf(tokens: TokensByRole, { report, distrusted }: TrustNews): JudgeCall {
  return (path, { peer, certificate, authorization }) => {
    const fault = distrusted.get(peer);
    try {
      return refuseUnlessAllowed(path, { certificate, fault, authorization }, tokens);
    } catch (error) {
      // A fault of the certificate was reported in the handshake.
      if (fault === undefined || authorization !== '') report(TesseraError.from(error), path, peer);
      throw error;
    }
  };
}

/** Checks every call of gRPC's library before its handler runs. */
export function accessInterceptor(judge: JudgeCall): ServerInterceptor {
  return (method, call) => {
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        const authorization = String(metadata.get('authorization')[0] ?? '');
        try {
          const { sslPeerCertificate: certificate } = call.getAuthContext();
          judge(method.path, { peer: call.getPeer(), certificate, authorization });
        } catch (error) {
          call.sendStatus(toStatus(error));
          return;
        }
        // The secret is not passed on.
        metadata.remove('authorization');
        next(metadata);
      })
      .build();
    const responder = new ResponderBuilder().withStart((next) => next(listener)).build();
    return new ServerInterceptingCall(call, responder);
  };
}
