import { pino } from 'pino';

export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: object): Log;
};

/** Structured logs on stderr, one JSON line each; stdout belongs to results. Tokens are masked whatever the caller logs. */
export function createLog(level: string, bindings: object = {}): Log {
  return pino(
    {
      level,
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['token', '*.token', 'authorization', '*.authorization', 'password', '*.password'],
    },
    pino.destination(2),
  );
}
