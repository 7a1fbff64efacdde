/** @file Why a certificate is not accepted, as OpenSSL and Node say it, in our words, with what to do on either side. Pure. */

/** What is wrong with the certificate of the other side. */
export interface CertificateFault {
  /** The end of a sentence about the other side. */
  readonly reason: string;
  /** What a client does about the certificate of a coordinator. */
  readonly ofCoordinator: string;
  /** What is to be done about the certificate of a caller. */
  readonly ofCaller: string;
}

const FAULTS: readonly (readonly [RegExp, CertificateFault])[] = [
  [
    /self.signed.cert|unable.to.verify|unable.to.get.(?:local.)?issuer|signature.failure/i,
    {
      reason: 'its certificate is not signed by a trusted CA',
      ofCoordinator: 'use the ca.crt of the cluster that this coordinator belongs to',
      ofCaller:
        'give --certs FOLDER there with a credential that the CA of this cluster has signed: tessera certs issue CERTS NAME --role worker',
    },
  ],
  [
    /cert(?:ificate)?.has.expired/i,
    {
      reason: 'its certificate has expired',
      ofCoordinator:
        'issue a new one there: tessera certs issue CERTS NAME --role coordinator --host ADDRESS; the coordinator takes it without a restart',
      ofCaller: 'issue a new one: tessera certs issue CERTS NAME --role worker',
    },
  ],
  [
    /not.yet.valid/i,
    {
      reason: 'its certificate is not valid yet',
      ofCoordinator: 'check the clocks of both machines',
      ofCaller: 'check the clocks of both machines',
    },
  ],
  [
    /altname/i,
    {
      reason: 'its certificate is for other hosts',
      ofCoordinator:
        'issue one for this address: tessera certs issue CERTS NAME --role coordinator --host ADDRESS',
      ofCaller: 'the host name of a caller is not checked',
    },
  ],
  [
    /(?:unsupported|unsuitable).certificate.purpose|invalid.purpose/i,
    {
      reason:
        "its certificate is not made for that side (a coordinator's is for serving, the others for calling)",
      ofCoordinator: 'check the address; a coordinator is started with --certs CERTS/coordinator',
      ofCaller: "give --certs FOLDER there with a worker's or an operator's certificate",
    },
  ],
];

/** The fault in an error message of TLS; undefined for none. */
export function certificateFault(text: string): CertificateFault | undefined {
  return FAULTS.find(([pattern]) => pattern.test(text))?.[1];
}
