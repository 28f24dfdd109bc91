import { decode, encode } from 'jpeg-js'
import type { Handler } from 'sluice-gateway'
import { shrink } from './shrink.ts'

/** Pixels of the longer side, unless the environment says otherwise. */
const defaultLongestSide = 160
const quality = 80

/** Bounds of one picture: the header of a small file may promise one that fills the memory. */
const limits = { maxResolutionInMP: 50, maxMemoryUsageInMB: 400 }

/** Makes a small JPEG of an uploaded one. What is no JPEG throws, and is kept as a dead letter. */
const thumbnail: Handler = (event, context) => {
  const picture = decode(event.bytes, { useTArray: true, ...limits })
  const small = shrink(picture, Number(context.env.LONGEST_SIDE ?? defaultLongestSide))
  const { data } = encode(small, quality)
  const { width, height } = small
  context.logger.info('made', { picture: event.subject, width, height, bytes: data.length, of: event.bytes.length })
  return {
    type: 'com.example.thumbnail',
    subject: event.subject,
    datacontenttype: 'image/jpeg',
    width,
    height,
    data,
  }
}

export default thumbnail
