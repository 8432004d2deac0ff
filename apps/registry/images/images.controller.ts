import { Controller } from '@nestjs/common';
import { ImageCalls, JobCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { ImageListService } from './image-list.service.js';
import { ImageTransfersService } from './image-transfers.service.js';
import { ImageVariantsService } from './image-variants.service.js';
import { ImagesService } from './images.service.js';

@Controller()
export class ImagesController {
  constructor(
    private readonly images: ImagesService,
    private readonly list: ImageListService,
    private readonly transfers: ImageTransfersService,
    private readonly variants: ImageVariantsService,
  ) {}

  @CallHandler(ImageCalls.findImages)
  findImages({ userId, query }: RequestOf<typeof ImageCalls.findImages>) {
    return this.list.find(userId, query);
  }

  @CallHandler(ImageCalls.createImage)
  createImage({ userId, image }: RequestOf<typeof ImageCalls.createImage>) {
    return this.images.create(userId, image);
  }

  @CallHandler(ImageCalls.updateImage)
  updateImage({ userId, imageId, image }: RequestOf<typeof ImageCalls.updateImage>) {
    return this.images.update(userId, imageId, image);
  }

  @CallHandler(ImageCalls.getImage)
  getImage({ userId, imageId }: RequestOf<typeof ImageCalls.getImage>) {
    return this.images.get(userId, imageId);
  }

  @CallHandler(ImageCalls.deleteImage)
  async deleteImage({ userId, imageId }: RequestOf<typeof ImageCalls.deleteImage>): Promise<Empty> {
    await this.images.delete(userId, imageId);
    return {};
  }

  @CallHandler(ImageCalls.beginUpload)
  async beginUpload({ userId, imageId }: RequestOf<typeof ImageCalls.beginUpload>): Promise<Empty> {
    await this.transfers.beginUpload(userId, imageId);
    return {};
  }

  @CallHandler(ImageCalls.commitUpload)
  async commitUpload(request: RequestOf<typeof ImageCalls.commitUpload>): Promise<Empty> {
    await this.transfers.commitUpload(request);
    return {};
  }

  @CallHandler(ImageCalls.openContent)
  openContent({ userId, imageId, holder }: RequestOf<typeof ImageCalls.openContent>) {
    return this.transfers.openContent(userId, imageId, holder);
  }

  @CallHandler(ImageCalls.findVariants)
  findVariants({ userId, imageId }: RequestOf<typeof ImageCalls.findVariants>) {
    return this.variants.find(userId, imageId);
  }

  @CallHandler(ImageCalls.openVariant)
  openVariant(request: RequestOf<typeof ImageCalls.openVariant>) {
    return this.variants.open(request);
  }

  @CallHandler(JobCalls.jobsOfImage)
  jobsOfImage({ userId, imageId }: RequestOf<typeof JobCalls.jobsOfImage>) {
    return this.images.jobsOf(userId, imageId);
  }
}
