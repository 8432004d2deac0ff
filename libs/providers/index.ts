export {
  isPreparing,
  isResumable,
  type ConnectionPolicy,
  type DeployableImage,
  type DeployedThing,
  type DeploymentReceipt,
  type EnvironmentAccess,
  type EnvironmentProvider,
  type EnvironmentSession,
  type PreparingSession,
  type RemoteImage,
  type RemoteImagePage,
  type ResumableSession,
} from './environment-provider.js';
export { openAccess } from './open-access.js';
export { Providers } from './providers.js';
