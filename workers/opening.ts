import type { Log } from '../lib/log.ts';
import { waitForPart } from './wait-for-part.ts';

/** A part as `/ready` names it: there, or waited for and why. */
export type PartState = { readonly part: string; readonly ok: boolean; readonly message?: string };

/** Opens several parts at once, as one: all of them, or none stays open. */
export type Opening = {
  /** Waits until `connect` succeeds; `close` is called for what it gave when the opening fails or is closed. */
  open<T>(
    part: string,
    label: string,
    connect: () => Promise<T>,
    close?: (opened: T) => void | Promise<void>,
  ): Promise<T>;
  /** All that is being opened; after a failure nothing is waited for any longer, and what was opened is closed. */
  all<T extends readonly unknown[]>(parts: { [K in keyof T]: Promise<T[K]> }): Promise<T>;
  /** Closes what was opened, the last one first. */
  close(): Promise<void>;
};

export function createOpening(options: {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onPart?: (state: PartState) => void;
}): Opening {
  const { log, onPart } = options;
  const given = new AbortController();
  const signal = AbortSignal.any([options.signal, given.signal]);
  const closers: (() => void | Promise<void>)[] = [];

  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  return {
    async open(part, label, connect, closeOne) {
      onPart?.({ part, ok: false });
      const onWait = (message: string) => onPart?.({ part, ok: false, message });
      const opened = await waitForPart(label, connect, { log, signal, onWait });
      if (given.signal.aborted) {
        await closeOne?.(opened);
        given.signal.throwIfAborted();
      }
      if (closeOne) closers.push(() => closeOne(opened));
      onPart?.({ part, ok: true });
      return opened;
    },
    async all(parts) {
      try {
        return await Promise.all(parts);
      } catch (error) {
        given.abort();
        await Promise.allSettled(parts);
        await close();
        throw error;
      }
    },
    close,
  };
}
