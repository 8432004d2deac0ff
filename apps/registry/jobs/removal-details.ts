import { type JsonObject } from '#libs/contracts';
import { type JobEntity } from '../database/index.js';

/** What the row of a removal says of its work. */
export interface RemovalDetails {
  /** Whether the deployment was to go with it when it failed; else it was to take down what a failed export had left. */
  takesDeployment: boolean;
}

/** Of a row of the release before, which does not say it, nothing is to go but what stands in the environment. */
export const removalDetails = ({ details }: JobEntity): RemovalDetails => ({ takesDeployment: details.takesDeployment === true });

export const withRemovalDetails = (details: JsonObject, { takesDeployment }: RemovalDetails): JsonObject => ({
  ...details,
  takesDeployment,
});
