import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

export type TemporalFront = { readonly address: string; stop(): Promise<void> };

const [PERMISSION_DENIED, UNAUTHENTICATED] = [7, 16];
const OPERATOR = '/temporal.api.operatorservice.';

/**
 * Stands before a Temporal server as Temporal Cloud does: it speaks TLS, wants an API key or a certificate, and lets nobody use the
 * operator service. Everything else goes to the server and back.
 */
export async function startTemporalFront(options: {
  /** `host:port` of the server. */
  readonly upstream: string;
  readonly cert: string;
  readonly key: string;
  readonly apiKey: string;
}): Promise<TemporalFront> {
  const { cert, key, apiKey } = options;
  const upstream = http2.connect(`http://${options.upstream}`);
  const server = http2.createSecureServer({
    ...{ cert, key },
    // Whose it is says the certificate itself; these are signed by nobody whom the server knows.
    ...{ requestCert: true, rejectUnauthorized: false },
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const socket = stream.session?.socket as TLSSocket | undefined;
    const isCertified = socket?.getPeerX509Certificate() !== undefined;
    if (!isCertified && headers.authorization !== `Bearer ${apiKey}`) {
      refuse(stream, UNAUTHENTICATED, 'Request unauthorized.');
    } else if (headers[':path']?.startsWith(OPERATOR)) {
      refuse(stream, PERMISSION_DENIED, 'Request unauthorized.');
    } else forward(upstream, stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      upstream.destroy();
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function refuse(stream: http2.ServerHttp2Stream, status: number, message: string): void {
  const said = { 'grpc-status': `${status}`, 'grpc-message': message };
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', ...said },
    { endStream: true },
  );
}

/** A call with its answer and trailers, in which gRPC says how the call ended. */
function forward(
  upstream: http2.ClientHttp2Session,
  stream: http2.ServerHttp2Stream,
  {
    ':method': method,
    ':path': path,
    ':authority': _,
    ':scheme': __,
    ...headers
  }: http2.IncomingHttpHeaders,
): void {
  const call = upstream.request({ ...headers, ':method': method, ':path': path });
  let trailers: http2.IncomingHttpHeaders = {};
  call.on('response', (answer, flags) => {
    if (stream.destroyed) return;
    if (flags & http2.constants.NGHTTP2_FLAG_END_STREAM)
      stream.respond(answer, { endStream: true });
    else stream.respond(answer, { waitForTrailers: true });
  });
  call.on('trailers', (last) => {
    trailers = last;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('close', () => call.close());
  // Who called sees that its stream has ended.
  call.on('error', () => stream.destroy());
  stream.on('error', () => {});
  stream.pipe(call).pipe(stream);
}
