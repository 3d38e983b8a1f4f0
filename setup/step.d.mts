/** Says on stderr what is done, every few seconds how far it is, and how long it took. */
export function step<T>(
  what: string,
  work: (report: (progress: string) => void) => Promise<T>,
  write?: (line: string) => void,
): Promise<T>;
