import { Injectable } from '@nestjs/common';
import { type ContentType, type Conversion, type Subformat, type Toolset } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type Transaction } from '../database/index.js';
import { planConversion } from './conversion-plan.js';
import { ToolsetsService } from './toolsets.service.js';
import { noteUse, type KeptVariant, type Original } from './variants.js';

export interface Wish {
  /** Best first. */
  accepts: readonly ContentType[];
  /** Of these, what will do only where there is no way to another. */
  reluctantly?: readonly ContentType[];
  subformat: Subformat | null;
}

/** What there is already, or how to make it of what there is. */
export type FoundWay = { variant: KeptVariant } | { from: KeptVariant; steps: [Conversion, ...Conversion[]] };

/** Finds the way from what an image has to what is asked for. */
@Injectable()
export class PlansService {
  constructor(private readonly toolsets: ToolsetsService) {}

  /** What it begins with counts as used. Raises TOOLS_MISSING, and what `noWay` makes of the reason where tools would not help. */
  async find(
    tx: Transaction,
    variants: [KeptVariant, ...KeptVariant[]],
    wish: Wish,
    noWay: (reason: string) => ViceError,
  ): Promise<FoundWay> {
    const { toolsets, missing } = await this.toolsets.available(tx);
    const plan = planConversion({ variants, ...wish, toolsets });
    if ('reason' in plan) throw plan.missing.length > 0 ? toolsMissing(plan.missing, missing) : noWay(plan.reason);
    await noteUse(tx, originalOf(variants), 'variant' in plan ? plan.variant : plan.from);
    return plan;
  }
}

export const originalOf = ([{ digest, contentType }]: readonly [KeptVariant, ...KeptVariant[]]): Original => ({
  digest,
  contentType,
});

function toolsMissing(toolsets: Toolset[], missing: string[]): ViceError {
  const lacks = missing.length > 0 ? ` (missing: ${missing.join(', ')})` : '';
  return new ViceError(
    'TOOLS_MISSING',
    `this needs a conversion with ${toolsets.join(' and ')}, for which no store worker has the tools${lacks}: run scripts/install-tools.sh on its machine`,
  );
}
