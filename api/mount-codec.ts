import { type Express, json, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import { AppError } from '../lib/errors.ts';
import { type Authenticate, createAuthenticate } from './auth.ts';
import { type MountDeps, measured } from './mount.ts';
import { asAppError, parseInput } from './problem.ts';
import type { CodecDeps } from './types.ts';

/** Temporal refuses messages beyond 4 MiB; base64 makes a third more of them. */
const BODY_LIMIT_BYTES = 6 * 1024 * 1024;
const MAX_PAYLOADS = 5_000;
const PREFLIGHT_MAX_AGE_S = '600';
const TOKEN_IN_PATH = /^\/codec\/([^/]+)(\/(?:encode|decode))$/;

/** A payload in protobuf's JSON form: bytes are base64. */
const payloads = z.object({
  payloads: z
    .array(
      z.object({
        metadata: z.record(z.string(), z.base64()).exactOptional(),
        data: z.base64().exactOptional(),
      }),
    )
    .max(MAX_PAYLOADS),
});

/**
 * The codec endpoint of the Temporal UI and CLI (docs.temporal.io, "Codec Server"): `/codec/decode` for everybody who may look,
 * `/codec/encode` for admins. The UI can send no token of ours, so decoding is also open under `/codec/TOKEN`, by a token that
 * opens nothing else. Pages of the Temporal UI alone may call it from a browser.
 */
export function mountCodec(
  app: Express,
  codec: CodecDeps,
  deps: Pick<MountDeps, 'authenticate' | 'limitAddress' | 'metrics'>,
): void {
  app.use('/codec', allowOrigin(codec.uiOrigin));
  app.use(takeTokenFromPath);
  const authenticate = orCodecToken(deps.authenticate, codec.tokenSha256);
  const route = (name: 'encode' | 'decode', role: 'viewer' | 'admin') =>
    app.post(
      `/codec/${name}`,
      measured(deps.metrics, `/codec/${name}`),
      (request, _response, next) => {
        admit(request, authenticate, deps.limitAddress, role);
        next();
      },
      json({ limit: BODY_LIMIT_BYTES, type: 'application/json' }),
      async (request, response) => {
        const { payloads: given } = parseInput(payloads, request.body, 'body');
        response.json({ payloads: await codec[name](given) });
      },
    );
  route('decode', 'viewer');
  route('encode', 'admin');
}

function admit(
  request: Request,
  authenticate: Authenticate,
  limitAddress: (address: string) => void,
  role: 'viewer' | 'admin',
): void {
  try {
    const { name, roles } = authenticate(request.headers);
    if (role === 'admin' && !roles.includes('admin')) {
      throw new AppError('FORBIDDEN', `${name} does not have the role admin`);
    }
  } catch (error) {
    if (asAppError(error).code === 'UNAUTHORIZED') limitAddress(request.socket.remoteAddress ?? '');
    throw error;
  }
}

/** People by their own tokens; the codec's token may look, too. */
function orCodecToken(people: Authenticate, tokenSha256: string | undefined): Authenticate {
  if (tokenSha256 === undefined) return people;
  const codec = createAuthenticate('token', [{ name: 'codec', roles: ['viewer'], tokenSha256 }]);
  return (headers) => {
    try {
      return codec(headers);
    } catch {
      return people(headers);
    }
  };
}

/** From here on the token stands where others do, and in no path that is logged. */
const takeTokenFromPath: RequestHandler = (request, _response, next) => {
  const [, token, rest] = TOKEN_IN_PATH.exec(request.path) ?? [];
  if (token !== undefined && rest !== undefined) {
    request.headers.authorization = `Bearer ${token}`;
    request.url = `/codec${rest}`;
  }
  next();
};

/** Cross-Origin Resource Sharing for one origin; without it no page of another site may call. */
function allowOrigin(origin: string): RequestHandler {
  return (request, response, next) => {
    if (request.headers.origin === undefined) return next();
    if (request.headers.origin !== origin) {
      throw new AppError('FORBIDDEN', 'only pages of the Temporal UI may call the codec');
    }
    response.set({
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      'access-control-allow-methods': 'POST',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': PREFLIGHT_MAX_AGE_S,
      vary: 'origin',
    });
    if (request.method === 'OPTIONS') response.status(204).end();
    else next();
  };
}
