/** Runs a command to its end; resolves to the lines of its stdout, rejects with the last lines of stderr. */
export function runChild(
  command: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly onComplaint?: (line: string) => void;
  },
): Promise<string[]>;
