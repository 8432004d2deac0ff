export { DeploymentEntity, type KeptStep } from './deployment.entity.js';
export { EnvironmentEntity } from './environment.entity.js';
export { ImageEntity } from './image.entity.js';
export { JobEntity } from './job.entity.js';
export { UserEntity } from './user.entity.js';
