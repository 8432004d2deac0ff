import { Jobs, type ContentType, type Conversion } from '#libs/contracts';
import { type FoundWay } from '../conversions/plans.service.js';
import { type KeptStep } from '../database/index.js';

/** The steps of a way into an environment, the first of which has its job already. */
export function planOf(way: FoundWay, jobId: string): KeptStep[] {
  const conversions = 'variant' in way ? [] : way.steps.map(conversionStep);
  const exported = 'variant' in way ? way.variant.contentType : way.steps.at(-1)!.to;
  return [...conversions, exportStep(exported)].map((step, index) => (index === 0 ? { ...step, jobId } : step));
}

/** The plan once the step after `before` has its job. */
export function withNextJob(plan: readonly KeptStep[], before: string, jobId: string): KeptStep[] {
  const next = plan.findIndex((step) => step.jobId === before) + 1;
  return plan.map((step, index) => (index === next ? { ...step, jobId } : step));
}

function conversionStep({ from, to, subformat, recipe }: Conversion): KeptStep {
  const { kind, action } = Jobs.convertBlob;
  return { kind, action, from, to, ...(subformat && { subformat }), recipe, jobId: null };
}

function exportStep(contenttype: ContentType): KeptStep {
  const { kind, action } = Jobs.deployImage;
  return { kind, action, contenttype, jobId: null };
}
