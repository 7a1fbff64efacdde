/** @file The file in a form that a browser sends (multipart/form-data). Pure. Source  RFC 7578, RFC 2046 section 5.1. */

/** Most parts that are looked at, and most bytes of the header of one. */
const PARTS_MAX = 16;
const HEADER_BYTES_MAX = 4096;

/** The boundary of a form; undefined where a content type is not a form's, or has none. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data\b/i.test(contentType)) return undefined;
  const found = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  return found?.[1] ?? found?.[2];
}

/** The contents of the first file of a form; undefined where there is none, or the form is broken. */
export function fileInForm(form: Buffer, boundary: string): Buffer | undefined {
  const delimiter = Buffer.from(`--${boundary}`);
  let at = form.indexOf(delimiter);
  for (let part = 0; part < PARTS_MAX && at >= 0; part += 1) {
    const start = at + delimiter.length + 2;
    const headerEnd = form.indexOf('\r\n\r\n', start - 2);
    const end = form.indexOf(`\r\n--${boundary}`, headerEnd + 2);
    if (headerEnd < 0 || end < 0 || headerEnd - start > HEADER_BYTES_MAX) return undefined;
    const header = form.toString('latin1', start, headerEnd);
    const isFile = /^content-disposition:[^\r\n]*;\s*filename\*?=/im.test(header);
    if (isFile) return form.subarray(headerEnd + 4, Math.max(end, headerEnd + 4));
    at = end + 2;
  }
  return undefined;
}
