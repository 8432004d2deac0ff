import { Get, Post, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiHeader } from '@nestjs/swagger';
import { ImageId } from '../bodies/id.js';
import { Operation } from '../http/operation.decorator.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { OptionalLogin, UserId, UserIdOrNull } from '../login/login.guard.js';
import { DownloadService } from './download.service.js';
import { UploadService } from './upload.service.js';

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
  @ApiHeader({ name: 'Range', required: false, description: 'One range of bytes' })
  @Operation('downloadImage', {
    summary: 'Download a file as image',
    answers: 'bytes',
    problems: {
      401: 'Authentication information is missing or invalid',
      404: 'Element not found, or without content yet',
      406: 'Accept names neither application/octet-stream nor application/octet',
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
