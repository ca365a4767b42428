// Connections of the client: plain to this computer, or TLS to exactly the certificate that the project deployed.
import { type ClientRequest, request as httpRequest, type RequestOptions } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, getCACertificates, type TLSSocket } from 'node:tls';
import type { WebTrust } from '../config/project-state.ts';
import { SparkPlugError } from '../errors.ts';

type TlsTrust = Extract<WebTrust, { kind: 'tls' }>;

/** Begins a request; nothing of it is sent before the other side has shown what it must. */
export type Transport = (options: RequestOptions) => Promise<ClientRequest>;

/**
 * @param baseUrl host and port; its scheme counts only without `trusts`
 * @param trusts the ways to speak to it, the preferred first. More than one is the case only while an `up` changes the
 *   way: then each request first looks which one it is. Plain HTTP is never spoken where it is not among them.
 */
export function createTransport(baseUrl: string, trusts: readonly WebTrust[] = []): Transport {
  const url = new URL(baseUrl);
  const [only, ...others] = trusts;
  if (only === undefined) {
    return async (options) => (url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options));
  }
  const tls = trusts.filter((trust) => trust.kind === 'tls');
  const agent = new PinningAgent(tls, { keepAlive: true });
  const secure = new URL(`https://${url.host}`);
  const plain = new URL(`http://${url.host}`);
  const speaksTls = async (): Promise<boolean> => {
    if (others.length === 0 || tls.length === trusts.length) return only.kind === 'tls';
    const socket = await openTls(secure, tls).catch((error: unknown) => {
      if (error instanceof NotTls) return null;
      throw error;
    });
    socket?.destroy();
    return socket !== null;
  };
  return async (options) =>
    (await speaksTls()) ? httpsRequest(secure, { ...options, agent }) : httpRequest(plain, options);
}

/** Hands a connection to the request only after its certificate was found right. */
class PinningAgent extends HttpsAgent {
  readonly #trusts: readonly TlsTrust[];

  constructor(trusts: readonly TlsTrust[], options: AgentOptions) {
    super(options);
    this.#trusts = trusts;
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const url = new URL(`https://${options.host}:${options.port}`);
    openTls(url, this.#trusts).then(
      (socket) => callback?.(null, socket),
      // Node's types want a stream where there is none.
      (error: Error) => (callback as ((error: Error) => void) | undefined)?.(error),
    );
    return undefined;
  }
}

/** The other side has answered something that is not TLS. */
class NotTls extends Error {
  readonly code = 'EPROTO';
}

/** Without an answer the request's own time runs out first; this only keeps a silent socket from staying for ever. */
const handshakeMs = 30_000;

function openTls(url: URL, trusts: readonly TlsTrust[]): Promise<TLSSocket> {
  const name = trusts.find(({ host }) => host !== null)?.host ?? null;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 443),
      // Checked below, before anything is sent: a certificate that vouches for itself has no authority to ask.
      rejectUnauthorized: false,
      ...(name === null
        ? {}
        : { servername: name, ca: [...getCACertificates('default'), ...getCACertificates('system')] }),
      timeout: handshakeMs,
    });
    let reached = false;
    socket.once('connect', () => {
      reached = true;
    });
    const fail = (error: Error) => {
      socket.destroy();
      reject(reached ? new NotTls('the other side does not speak TLS', { cause: error }) : error);
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error('no answer to the TLS handshake')));
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      // The request adds its own a moment later.
      socket.on('error', () => {});
      socket.removeAllListeners('timeout');
      socket.setTimeout(0);
      const met = socket.getPeerX509Certificate()?.fingerprint256 ?? 'none';
      // `authorized`: one of the system's authorities vouches for the name, so its owner has renewed the certificate.
      if (trusts.some(({ fingerprint }) => fingerprint === met) || (name !== null && socket.authorized)) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(mismatch(url, met));
    });
  });
}

function mismatch(url: URL, met: string): SparkPlugError {
  return new SparkPlugError('CERTIFICATE_MISMATCH', `${url.host} shows a certificate that is not this project's`, {
    place: url.origin,
    met,
    hint: 'nothing was sent to it; sparkplug up gives the cluster its certificate again, else find out what listens there',
  });
}
