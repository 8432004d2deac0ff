import { Injectable } from '@nestjs/common';
import { type Image } from '#libs/contracts';
import { type Transaction } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { SELECT_IMAGES, toImage, type ImageWithOriginRow } from './image.contract.js';

/** Tells the owners of images that something changed. */
@Injectable()
export class ImageChanges {
  constructor(private readonly events: EventsService) {}

  /** The images as their owners see them now, each recorded as an event. */
  async changed(tx: Transaction, imageIds: readonly string[]): Promise<Image[]> {
    const rows = (await tx.manager.query(`${SELECT_IMAGES} WHERE i.id = ANY ($1)`, [imageIds])) as ImageWithOriginRow[];
    const images = rows.map((row) => toImage(row, row, row.userid));
    for (const image of images) this.events.record(tx, image.userid, { type: 'image', data: image });
    return images;
  }
}
