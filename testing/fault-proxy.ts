import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
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
  | { readonly kind: 'cut'; readonly after: 'nothing' | 'headers' | 'silence' }
  /** No answer at all. */
  | { readonly kind: 'silence' };

/** What becomes of a request: `done`: the server does its work, and its answer is lost. */
export type Verdict = 'pass' | { readonly fault: Fault; readonly done: boolean };

export type FaultProxy = {
  readonly url: string;
  /** The next requests suffer these, in order; later ones are passed on. Forgets what was left and `seen`. */
  inject(...faults: readonly Fault[]): void;
  /** The next request with this method suffers the fault; others are passed on meanwhile. */
  injectFor(method: string, fault: Fault): void;
  /** Every request is judged from now on, undefined = passed on; the others above are for single ones. */
  judge(of: ((method: string, path: string) => Promise<Verdict>) | undefined): void;
  /** `METHOD path` of every request since the last `inject`. */
  readonly seen: readonly string[];
  close(): Promise<void>;
};

/** Long enough that nobody takes it for an answer that is on its way. */
const SILENCE_MS = 300;

/** An HTTP proxy in front of `target` that fails on demand. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let faults: Fault[] = [];
  let ofMethod: { readonly method: string; readonly fault: Fault } | undefined;
  let seen: string[] = [];
  const faultFor = (method: string | undefined): Fault | undefined => {
    if (ofMethod === undefined || ofMethod.method !== method) return undefined;
    const { fault } = ofMethod;
    ofMethod = undefined;
    return fault;
  };
  let judged: Parameters<FaultProxy['judge']>[0];
  const verdictOn = async (method = 'GET', path: string): Promise<Verdict> => {
    const fault = faults.shift() ?? faultFor(method);
    if (fault !== undefined) return { fault, done: false };
    return judged?.(method, path) ?? 'pass';
  };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const path = incoming.url?.split('?')[0] ?? '/';
    seen.push(`${incoming.method} ${path}`);
    const verdict = await verdictOn(incoming.method, path);
    if (verdict !== 'pass' && !verdict.done) {
      incoming.resume();
      suffer(verdict.fault, outgoing);
      return;
    }
    const passed = httpRequest(
      `${target}${incoming.url}`,
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      (answer) => {
        if (verdict !== 'pass') {
          answer.resume().once('end', () => suffer(verdict.fault, outgoing));
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inject: (...next) => {
      faults = [...next];
      ofMethod = undefined;
      seen = [];
    },
    injectFor: (method, fault) => {
      ofMethod = { method, fault };
    },
    judge: (of) => {
      judged = of;
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
      if (fault.after === 'silence') {
        setTimeout(() => response.destroy(), SILENCE_MS).unref();
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('[{"Space":', () => response.destroy());
      return;
    case 'silence':
      return;
  }
}
