import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the proxy does with a request instead of passing it on. */
export type Fault = { readonly status: number; readonly reason: string; readonly message: string };

export type ApiRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
};

export type FaultyProxy = {
  /** A kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  /** Every request so far. */
  readonly requests: readonly ApiRequest[];
  /** Answers in the API server's place wherever `fault` gives something; undefined = pass everything on. */
  answer(fault: ((request: ApiRequest) => Fault | undefined) | undefined): void;
  /** Breaks the connections of all open watches. */
  cutWatches(): void;
  openWatches(): number;
  /** Open watches stay open, but nothing comes any more. */
  stallWatches(): void;
  stop(): Promise<void>;
};

/** A loopback proxy before a real API server that cuts, stalls and refuses, as networks and servers do. */
export async function startFaultyProxy(cluster: {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}): Promise<FaultyProxy> {
  const requests: ApiRequest[] = [];
  const watches = new Set<{ upstream: http.IncomingMessage; socket: { destroy(): void } }>();
  const agent = new https.Agent({ keepAlive: true, ca: cluster.ca });
  let faultOf: ((request: ApiRequest) => Fault | undefined) | undefined;

  const server = http.createServer((request, response) => {
    const seen = describe(request);
    requests.push(seen);
    const fault = faultOf?.(seen);
    if (fault !== undefined) return refuse(response, fault);
    const forward = https.request(
      new URL(request.url ?? '/', cluster.url),
      { method: request.method ?? 'GET', headers: { ...request.headers, host: '' }, agent },
      (upstream) => {
        response.writeHead(upstream.statusCode ?? 502, upstream.headers);
        // Node holds headers back until the first byte of the body, which a quiet watch does not have.
        response.flushHeaders();
        upstream.pipe(response);
        upstream.on('error', () => response.destroy());
        if (!seen.isWatch) return;
        const watch = { upstream, socket: response };
        watches.add(watch);
        response.on('close', () => {
          watches.delete(watch);
          upstream.destroy();
        });
      },
    );
    forward.on('error', () => response.destroy());
    request.pipe(forward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const directory = await mkdtemp(join(tmpdir(), 'realign-proxy-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`, cluster.token));
  return {
    kubeconfig,
    requests,
    answer(fault) {
      faultOf = fault;
    },
    cutWatches() {
      for (const { socket } of watches) socket.destroy();
    },
    openWatches: () => watches.size,
    stallWatches() {
      for (const { upstream } of watches) upstream.unpipe();
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await rm(directory, { recursive: true });
    },
  };
}

function describe(request: http.IncomingMessage): ApiRequest {
  const url = new URL(request.url ?? '/', 'http://proxy');
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    isWatch: url.searchParams.get('watch') === 'true',
  };
}

function refuse(response: http.ServerResponse, { status, reason, message }: Fault): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', code: status, reason, message }));
}

function kubeconfigOf(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // Without it, a server that is reached by plain HTTP is refused.
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'user' } }],
    'current-context': 'proxy',
  });
}
