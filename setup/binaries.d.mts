export type BinaryName = 'temporal' | 'kube-apiserver' | 'etcd';

/** Paths of the programs, in the order of the names; fetches or builds what the machine does not have. */
export function ensureBinaries<const Names extends readonly BinaryName[]>(
  names: Names,
  env?: NodeJS.ProcessEnv,
  /** How long a release host may take to answer, and be silent while it sends. */
  limits?: { readonly answerMs: number; readonly stallMs: number },
): Promise<{ [Index in keyof Names]: string }>;
