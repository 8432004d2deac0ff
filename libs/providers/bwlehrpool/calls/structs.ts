import { binary, bool, i32, i64, list, mapOf, string, struct, type ValueOf } from '../thrift/wire-types.js';

export const ImagePermissions = struct({ link: [1, bool], download: [2, bool], edit: [3, bool], admin: [4, bool] });
export type ImagePermissions = ValueOf<typeof ImagePermissions>;

export const UserInfo = struct({
  userId: [1, string],
  firstName: [2, string],
  lastName: [3, string],
  eMail: [4, string],
  organizationId: [5, string],
  role: [6, i32],
});
export type UserInfo = ValueOf<typeof UserInfo>;

export const SatelliteEntry = struct({ addressList: [1, list(string)], displayName: [2, string], certSha256: [3, binary] });
export type SatelliteEntry = ValueOf<typeof SatelliteEntry>;

/** `authToken` is for satellites, `sessionId` for the master. */
export const ClientSessionData = struct({
  sessionId: [1, string],
  authToken: [2, string],
  satellites: [3, list(SatelliteEntry)],
  userInfo: [4, UserInfo],
});

export const WhoAmI = struct({ user: [1, UserInfo], isSuperUser: [2, bool], canListImages: [3, bool] });

export const SatelliteConfig = struct({
  pageSize: [1, i32],
  defaultImagePermissions: [2, ImagePermissions],
  maxImageValidityDays: [3, i32],
  maxTransfers: [6, i32],
  maxConnectionsPerTransfer: [7, i32],
  serverSideCopy: [10, i32],
  allowStudentDownload: [11, bool],
  vmSizeLimit: [12, i64],
});
export type SatelliteConfig = ValueOf<typeof SatelliteConfig>;

export const SatelliteStatus = struct({ availableStorageBytes: [1, i64], serverTime: [2, i64] });

export const OperatingSystem = struct({
  osId: [1, i32],
  osName: [2, string],
  virtualizerOsId: [3, mapOf(string)],
  architecture: [4, string],
  maxMemMb: [5, i32],
  maxCores: [6, i32],
});
export type OperatingSystem = ValueOf<typeof OperatingSystem>;

export const Virtualizer = struct({ virtId: [1, string], virtName: [2, string] });

export const ImageBaseWrite = struct({
  imageName: [1, string],
  description: [2, string],
  osId: [3, i32],
  virtId: [4, string],
  isTemplate: [5, bool],
  defaultPermissions: [6, ImagePermissions],
  shareMode: [7, i32],
});
export type ImageBaseWrite = ValueOf<typeof ImageBaseWrite>;

/** Times are in seconds since 1970, sizes in bytes. */
export const ImageSummary = struct({
  imageBaseId: [1, string],
  latestVersionId: [3, string],
  imageName: [4, string],
  description: [23, string],
  osId: [5, i32],
  virtId: [6, string],
  createTime: [7, i64],
  updateTime: [8, i64],
  uploadTime: [20, i64],
  ownerId: [10, string],
  fileSize: [13, i64],
  isValid: [15, bool],
  isProcessed: [16, bool],
  defaultPermissions: [18, ImagePermissions],
  userPermissions: [19, ImagePermissions],
  versionCount: [22, i32],
});
export type ImageSummary = ValueOf<typeof ImageSummary>;

export const ImageVersion = struct({
  versionId: [1, string],
  createTime: [2, i64],
  expireTime: [3, i64],
  fileSize: [4, i64],
  uploaderId: [5, string],
  isRestricted: [7, bool],
  isValid: [8, bool],
  isProcessed: [9, bool],
  software: [10, list(string)],
});
export type ImageVersion = ValueOf<typeof ImageVersion>;

export const ImageDetails = struct({
  imageBaseId: [1, string],
  latestVersionId: [17, string],
  versions: [3, list(ImageVersion)],
  imageName: [4, string],
  description: [5, string],
  tags: [6, list(string)],
  osId: [8, i32],
  virtId: [9, string],
  createTime: [10, i64],
  updateTime: [11, i64],
  ownerId: [12, string],
  defaultPermissions: [16, ImagePermissions],
  userPermissions: [18, ImagePermissions],
});
export type ImageDetails = ValueOf<typeof ImageDetails>;

/** A port is 0 where it is not offered. */
export const TransferInformation = struct({
  token: [1, string],
  plainPort: [2, i32],
  sslPort: [3, i32],
  blockHashes: [4, list(binary)],
  machineDescription: [5, binary],
});
export type TransferInformation = ValueOf<typeof TransferInformation>;

/** `blockStatus` has a byte per block: see `transfer/upload-status.ts`. */
export const TransferStatus = struct({ blockStatus: [1, binary], state: [2, i32] });
