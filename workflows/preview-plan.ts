import { workflowInfo } from '@temporalio/workflow';
import type { Preview } from '../activities/types.ts';
import type { ResourceRef } from '../drift/resource-ref.ts';
import { reads } from './steps.ts';

/** What would be done about a resource now: somebody wants to see the plan before anyone is asked. Changes nothing. */
export async function previewPlan({ ref }: { readonly ref: ResourceRef }): Promise<Preview> {
  const { workflowId } = workflowInfo();
  return reads.preview({ episodeId: workflowId, key: 'preview', ref });
}
