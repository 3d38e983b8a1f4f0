import type { TestProject } from 'vitest/node';
import { createPartBroker } from './part-broker.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where test files ask for servers; see testing/stack.ts. */
    partBrokerUrl: string;
  }
}

/** Servers are started when the first test file asks for them, and shared by all files of the run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await createPartBroker();
  project.provide('partBrokerUrl', broker.url);
  return broker.stop;
}
