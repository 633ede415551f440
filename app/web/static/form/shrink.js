/** A photo made lighter before it crosses a slow line, with what the camera said of it left in. */
const ENOUGH = 1_500_000;
const SIDE = 2560;
const FAST = 5;  // Mbit/s
const [ORIENTATION, APP1] = [0x0112, 0xe1];

/** The Exif segment of a JPEG, marker and all, or null. */
function exifOf(view) {
  let at = 2;
  while (at + 4 < view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2) + 2;
    if (marker === APP1 && view.getUint32(at + 4) === 0x45786966) {
      return at + length <= view.byteLength ? new Uint8Array(view.buffer.slice(at, at + length)) : null;
    }
    if (marker === 0xda) return null;
    at += length;
  }
  return null;
}

/** The picture is drawn upright: whoever reads the segment must not turn it once more. */
function upright(segment) {
  const view = new DataView(segment.buffer, 10);
  const little = view.getUint16(0) === 0x4949;
  const first = view.getUint32(4, little);
  for (let n = 0; n < view.getUint16(first, little); n += 1) {
    const entry = first + 2 + n * 12;
    if (view.getUint16(entry, little) === ORIENTATION) view.setUint16(entry + 8, 1, little);
  }
  return segment;
}

async function redrawn(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", 0.85);
  });
}

/** The file, or a smaller JPEG of it; never less than was there: what cannot be read is sent as it is. */
export async function lighter(file) {
  const { connection } = navigator;
  const slow = !connection || connection.saveData || connection.downlink < FAST;
  if (file.type !== "image/jpeg" || file.size <= ENOUGH || !slow) return file;
  try {
    const exif = exifOf(new DataView(await file.slice(0, 256 * 1024).arrayBuffer()));
    const small = await redrawn(file);
    const parts = exif ? [small.slice(0, 2), upright(exif), small.slice(2)] : [small];
    const made = new Blob(parts, { type: "image/jpeg" });
    return made.size < file.size ? made : file;
  } catch {
    return file;
  }
}
