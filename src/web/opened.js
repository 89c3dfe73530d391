// An opened image, and squares cropped from it for the screen.

import { make } from "./dom.js";
import { Problem } from "./problems.js";

const EXTENSIONS = /\.(jpe?g|png|tiff?|bmp|webp)$/i;

/// Reads a file. `bitmap` is null if the browser does not support the format, such as TIFF.
export async function open(blob, name) {
  if (blob.size === 0) throw new Problem({ title: "The file is empty", detail: `${name} has no content.`, hint: "Choose another file." });
  if (!blob.type.startsWith("image/") && !EXTENSIONS.test(name)) {
    throw new Problem({ title: "This is not an image", detail: `${name} is not a JPEG, PNG, TIFF, BMP or WebP image.`, hint: "Open an image first. You can load a table of nuclei (CSV) after that." });
  }
  const bitmap = await createImageBitmap(blob).catch(() => null);
  return { blob, name, bitmap, width: bitmap?.width ?? 0, height: bitmap?.height ?? 0, url: URL.createObjectURL(blob) };
}

/// Whether it is a single cell rather than a field, by the size of the training crops.
export function looksLikeCell(image, edge) {
  return image.bitmap !== null && Math.max(image.width, image.height) <= 2 * edge;
}

/// The square around a nucleus, or the whole image. Beyond the border it stays empty. Null if the
/// browser cannot show the image.
export function thumbnail(image, place, edge, size) {
  if (!image.bitmap) return null;
  const canvas = make("canvas", { width: size, height: size, class: "thumb", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  if (place) {
    const [left, top] = [place.x - edge / 2, place.y - edge / 2];
    const scale = size / edge;
    context.drawImage(image.bitmap, -left * scale, -top * scale, image.width * scale, image.height * scale);
  } else {
    const scale = size / Math.max(image.width, image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    context.drawImage(image.bitmap, (size - width) / 2, (size - height) / 2, width, height);
  }
  return canvas;
}
