import { applyDecorators, Delete, Get, Post, Put, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { CONTENT_TYPES, Image, IMAGE_SORTS, IMAGE_TYPES, ImageCalls, ImageInput, Job, JobCalls, Variant } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { idOfUpdate, ImageId } from '../bodies/id.js';
import { Input } from '../bodies/input.decorator.js';
import { Operation } from '../http/operation.decorator.js';
import { pageLinks } from '../http/page-links.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { OptionalLogin, UserId, UserIdOrNull } from '../login/login.guard.js';
import { imageDraft } from './image-draft.js';
import { imageQuery } from './image-query.js';

const UNAUTHENTICATED = { 401: 'Authentication information is missing or invalid' };
const NOT_FOUND = { 404: 'Element not found' };
const INVALID = { 405: 'Invalid input', 413: 'Body over 1 MiB', 415: 'Neither JSON nor XML' };

const ImageQueryParameters = () =>
  applyDecorators(
    ApiQuery({ name: 'q', type: String, required: false, description: 'Full text over title, description and tags' }),
    ApiQuery({ name: 'contenttype', required: false, enum: CONTENT_TYPES }),
    ApiQuery({ name: 'imagetype', required: false, enum: IMAGE_TYPES }),
    ApiQuery({ name: 'tag', type: String, required: false }),
    ApiQuery({ name: 'contentDigest', type: String, required: false, description: 'Of a disk, whatever its format' }),
    ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } }),
    ApiQuery({ name: 'cursor', type: String, required: false, description: 'Where a former answer’s Link led' }),
    ApiQuery({ name: 'sort', required: false, enum: IMAGE_SORTS, description: '-createdAt where it is absent' }),
  );

@V1Controller('images')
export class ImagesController {
  constructor(
    private readonly calls: CallClient,
    private readonly box: SecretBox,
  ) {}

  @Get('images')
  @OptionalLogin()
  @ImageQueryParameters()
  @Operation('findImages', {
    summary: 'List available images',
    description: 'Without a login the public ones; with one, the user’s own too.',
    answers: [Image],
    headers: {
      Link: 'The next page, rel="next"',
      'X-Total-Count': 'How many there are in all: exact to 1,000, an estimate above',
    },
    problems: { 400: 'Invalid query parameter', 401: 'Wrong credentials' },
  })
  async findImages(
    @UserIdOrNull() userId: string | null,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: GatewayReply,
  ): Promise<Image[]> {
    const query = imageQuery(request.query);
    const { images, next, total } = await this.calls.ask(ImageCalls.findImages, { userId, query });
    reply.header('link', pageLinks(request.url, 'cursor', next)).header('x-total-count', String(total));
    return images;
  }

  @Post('images')
  @Operation('createImage', {
    summary: 'Create a new image',
    description: 'With originEnvironment and environmentReference an import starts; otherwise the image waits for an upload.',
    takes: ImageInput,
    status: 201,
    answers: Image,
    problems: { ...UNAUTHENTICATED, ...INVALID },
  })
  createImage(@UserId() userId: string, @Input(ImageInput) input: ImageInput): Promise<Image> {
    return this.calls.ask(ImageCalls.createImage, { userId, image: imageDraft(input, this.box) });
  }

  @Put('images')
  @Operation('updateImage', {
    summary: 'Update an existing image',
    description: 'The id is in the body. An absent field stays as it is, null clears it.',
    takes: ImageInput,
    status: 201,
    answers: Image,
    problems: { ...UNAUTHENTICATED, 403: 'Another user’s public image', ...NOT_FOUND, ...INVALID },
  })
  updateImage(@UserId() userId: string, @Input(ImageInput) input: ImageInput): Promise<Image> {
    const imageId = idOfUpdate('image', input.id);
    return this.calls.ask(ImageCalls.updateImage, { userId, imageId, image: imageDraft(input, this.box) });
  }

  @Get('image/:imageId')
  @OptionalLogin()
  @Operation('getImage', { summary: 'Get an image by id', answers: Image, problems: { ...UNAUTHENTICATED, ...NOT_FOUND } })
  getImage(@UserIdOrNull() userId: string | null, @ImageId() imageId: string): Promise<Image> {
    return this.calls.ask(ImageCalls.getImage, { userId, imageId });
  }

  @Delete('image/:imageId')
  @Operation('deleteImage', {
    summary: 'Deletes an image',
    problems: { ...UNAUTHENTICATED, 403: 'Another user’s public image', ...NOT_FOUND },
  })
  async deleteImage(@UserId() userId: string, @ImageId() imageId: string): Promise<void> {
    await this.calls.ask(ImageCalls.deleteImage, { userId, imageId });
  }

  @Get('image/:imageId/variants')
  @OptionalLogin()
  @Operation('getImageVariants', {
    summary: 'List what there is of an image in each content type, and how it came to be',
    description: 'The original first, then what was derived from it. Without a login of a public image.',
    answers: [Variant],
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  getImageVariants(@UserIdOrNull() userId: string | null, @ImageId() imageId: string): Promise<Variant[]> {
    return this.calls.ask(ImageCalls.findVariants, { userId, imageId });
  }

  @Get('image/:imageId/jobs')
  @Operation('findImageJobs', {
    summary: 'List the jobs of an image, newest first',
    answers: [Job],
    problems: { ...UNAUTHENTICATED, 403: 'Another user’s public image', ...NOT_FOUND },
  })
  findImageJobs(@UserId() userId: string, @ImageId() imageId: string): Promise<Job[]> {
    return this.calls.ask(JobCalls.jobsOfImage, { userId, imageId });
  }
}
