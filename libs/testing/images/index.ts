export {
  adding,
  editing,
  editingIndex,
  replacingManifest,
  rewriting,
  rewritingConfig,
  without,
  type Document,
} from './archive.edits.js';
export { inMemory } from './in-memory.js';
export { buildQcow2, type Qcow2Options } from './qcow2.builder.js';
export { buildVmdk, hiddenParent, vmdkDescriptor, type VmdkOptions } from './vmdk.builder.js';
export { buildVdi, type VdiOptions } from './vdi.builder.js';
export { buildVhd, type VhdOptions } from './vhd.builder.js';
export { buildVhdx, VHDX_IDS, type VhdxOptions, type VhdxParts } from './vhdx.builder.js';
export { buildTar, type TarMember } from './tar.builder.js';
export {
  buildDockerArchive,
  imageMembers,
  type DockerArchiveLayout,
  type DockerArchiveOptions,
} from './docker-archive.builder.js';
export { BUILD_CONTEXT, DOCKERFILE, PACKER_HCL, PACKER_JSON } from './documents.js';
