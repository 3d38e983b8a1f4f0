import { once } from 'node:events';
import { createServer, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one request instead of being passed on. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection ends before any answer, or in the middle of one. */
  | { readonly kind: 'cut'; readonly after: 'nothing' | 'headers' }
  /** No answer at all. */
  | { readonly kind: 'silence' };

export type FaultProxy = {
  readonly url: string;
  /** The next requests suffer these, in order; later ones are passed on. Forgets what was left and `seen`. */
  inject(...faults: readonly Fault[]): void;
  /** `METHOD path` of every request since the last `inject`. */
  readonly seen: readonly string[];
  close(): Promise<void>;
};

/** An HTTP proxy in front of `target` that fails on demand. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let faults: Fault[] = [];
  let seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url?.split('?')[0]}`);
    const fault = faults.shift();
    if (fault !== undefined) {
      incoming.resume();
      suffer(fault, outgoing);
      return;
    }
    const passed = httpRequest(
      `${target}${incoming.url}`,
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inject: (...next) => {
      faults = [...next];
      seen = [];
    },
    get seen() {
      return seen;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function suffer(fault: Fault, response: ServerResponse): void {
  switch (fault.kind) {
    case 'answer':
      response.writeHead(fault.status, fault.headers ?? {});
      response.end(fault.body ?? '');
      return;
    case 'cut':
      if (fault.after === 'nothing') {
        response.destroy();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('[{"Space":', () => response.destroy());
      return;
    case 'silence':
      return;
  }
}
