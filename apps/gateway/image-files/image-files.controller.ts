import { applyDecorators, Get, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiExtraModels, ApiHeader, ApiQuery, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { CONTENT_TYPES, Job, SUBFORMATS } from '#libs/contracts';
import { ImageId } from '../bodies/id.js';
import { Operation } from '../http/operation.decorator.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { OptionalLogin, UserId, UserIdOrNull } from '../login/login.guard.js';
import { DownloadService } from './download.service.js';
import { UploadService } from './upload.service.js';

/** The answer of a download whose content is not there yet in the wished form. */
function MayHaveToBeMade(): MethodDecorator {
  const text = (description: string) => ({ description, schema: { type: 'string' as const } });
  return applyDecorators(
    ApiExtraModels(Job),
    ApiResponse({
      status: 202,
      description: 'It is being made, by this job',
      headers: {
        Location: text('The same request: it tells how the job goes on, then brings the bytes'),
        'Retry-After': text('Seconds'),
      },
      content: Object.fromEntries(
        ['application/json', 'application/xml'].map((type) => [type, { schema: { $ref: getSchemaPath(Job) } }]),
      ),
    }),
  );
}

/** The answer of a download where VICE_BLOB_REDIRECT is set. */
function MayBeElsewhere(): MethodDecorator {
  return ApiResponse({
    status: 307,
    description: 'The bytes are at this address for the next quarter of an hour, ranges of them too',
    headers: { Location: { description: 'To be asked without a login', schema: { type: 'string' } } },
  });
}

@V1Controller('images')
export class ImageFilesController {
  constructor(
    private readonly uploads: UploadService,
    private readonly downloads: DownloadService,
  ) {}

  @Post('image/:imageId/file')
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    required: true,
    schema: { type: 'object', required: ['upfile'], properties: { upfile: { type: 'string', format: 'binary' } } },
  })
  @Operation('uploadImage', {
    summary: 'Upload a file as image',
    description: 'Answered once the bytes are safe and their inspection is due; `status` of the image tells how that ends.',
    problems: {
      400: 'Malformed form; upfile missing, empty or too large',
      401: 'Authentication information is missing or invalid',
      403: 'Another user’s public image',
      404: 'Element not found',
      415: 'No multipart form',
      507: 'Storage is full',
    },
  })
  async uploadImage(
    @UserId() userId: string,
    @ImageId() imageId: string,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: GatewayReply,
  ) {
    await this.uploads.receive(userId, imageId, request.raw, reply.raw);
  }

  @Get('image/:imageId/file')
  @OptionalLogin()
  @ApiQuery({
    name: 'contenttype',
    required: false,
    enum: CONTENT_TYPES,
    description: 'In which content type; what is not there yet is made, for those who have logged in. As it is where absent',
  })
  @ApiQuery({ name: 'subformat', required: false, enum: SUBFORMATS, description: 'With contenttype=disk-vmdk' })
  @MayHaveToBeMade()
  @MayBeElsewhere()
  @ApiHeader({ name: 'Range', required: false, description: 'One range of bytes' })
  @Operation('downloadImage', {
    summary: 'Download a file as image',
    answers: 'bytes',
    problems: {
      400: 'Invalid query parameter',
      401: 'Authentication information is missing or invalid',
      404: 'Element not found, or without content yet',
      409: 'There is no way to that content type, it failed a short time ago, or tools for it are missing',
      406: 'Accept names neither application/octet-stream nor application/octet',
      412: 'The content is not what If-Match names',
      416: 'Range outside the content',
    },
  })
  async downloadImage(
    @UserIdOrNull() userId: string | null,
    @ImageId() imageId: string,
    @Req() request: GatewayRequest,
    @Res() reply: GatewayReply,
  ): Promise<void> {
    await this.downloads.send(userId, imageId, request, reply);
  }
}
