import { method } from '../thrift/method.js';
import { binary, i32, i64, list, mapOf, string } from '../thrift/wire-types.js';
import {
  ClientSessionData,
  ImageBaseWrite,
  ImageDetails,
  ImagePermissions,
  ImageSummary,
  OperatingSystem,
  SatelliteConfig,
  TransferInformation,
  TransferStatus,
  WhoAmI,
} from './structs.js';

/** What only jobs do may take long: a satellite lays out files, or deletes them. */
const SLOW = { withinMs: 30_000 };
/** Made once too often, these leave something behind: a second image, a second upload. A permit to download too many just lapses. */
const ONCE = { ...SLOW, repeatable: false };

export const Master = {
  localAccountLogin: method('localAccountLogin', { login: [1, string], password: [2, string] }, ClientSessionData, 'AV'),
  getSessionFromAccessCode: method('getSessionFromAccessCode', { accessCode: [1, string] }, ClientSessionData, 'AV'),
};

const token = { userToken: [1, string] } as const;
const ofBase = { ...token, imageBaseId: [2, string] } as const;
const ofVersion = { ...token, imageVersionId: [2, string] } as const;

/** `userToken`, wherever it stands among the arguments, is the `authToken` of the login. */
export const Satellite = {
  getVersion: method('getVersion', { clientVersion: [1, i64] }, i64, ''),
  getConfiguration: method('getConfiguration', {}, SatelliteConfig, ''),
  getOperatingSystems: method('getOperatingSystems', {}, list(OperatingSystem), ''),
  whoami: method('whoami', token, WhoAmI, 'AV'),
  invalidateSession: method('invalidateSession', token, null, 'K'),
  getImageList: method('getImageList', { ...token, tagSearch: [2, list(string)], page: [3, i32] }, list(ImageSummary), 'AV'),
  getImageDetails: method('getImageDetails', ofBase, ImageDetails, 'ANV'),
  createImage: method('createImage', { ...token, name: [2, string] }, string, 'AV', ONCE),
  updateImageBase: method('updateImageBase', { ...ofBase, image: [3, ImageBaseWrite] }, null, 'ANV', SLOW),
  deleteImageVersion: method('deleteImageVersion', ofVersion, null, 'ANV', SLOW),
  deleteImageBase: method('deleteImageBase', ofBase, null, 'ANV', SLOW),
  writeImagePermissions: method(
    'writeImagePermissions',
    { ...ofBase, permissions: [3, mapOf(ImagePermissions)] },
    null,
    'ANV',
    SLOW,
  ),
  getImageVersionVirtConfig: method('getImageVersionVirtConfig', ofVersion, binary, 'ANV'),
  requestImageVersionUpload: method(
    'requestImageVersionUpload',
    { ...ofBase, fileSize: [3, i64], blockHashes: [4, list(binary)], machineDescription: [5, binary] },
    TransferInformation,
    'RAVN',
    ONCE,
  ),
  updateBlockHashes: method(
    'updateBlockHashes',
    { uploadToken: [1, string], blockHashes: [2, list(binary)], userToken: [3, string] },
    null,
    'K',
    SLOW,
  ),
  cancelUpload: method('cancelUpload', { uploadToken: [1, string] }, null, 'K', SLOW),
  queryUploadStatus: method('queryUploadStatus', { uploadToken: [1, string] }, TransferStatus, 'K'),
  requestDownload: method('requestDownload', ofVersion, TransferInformation, 'RAVN'),
  cancelDownload: method('cancelDownload', { downloadToken: [1, string] }, null, 'K'),
};
