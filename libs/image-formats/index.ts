export { readArchiveSummary, type ArchiveSummary } from './docker-archive/docker-archive.inspector.js';
export { withoutTags, type OwnTag } from './docker-archive/without-tags.js';
export { labelledDockerfile } from './docker-file/dockerfile.js';
export { labelledContext, type ContextLabel } from './docker-file/labelled-context.js';
export { inspect } from './inspect.js';
export { DEFAULT_LIMITS, type InspectableBytes, type Inspection, type InspectionLimits } from './inspection.js';
export { recognise } from './recognise.js';
