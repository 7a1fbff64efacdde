/**
 * @file From planes of brightness and colour to pixels: colours of half the width and height are smoothed between their
 * samples ("fancy upsampling"), and become red, green and blue, with the bits of libjpeg-turbo.
 *
 * Source  jdsample.c (h2v1 and h2v2 triangle filters) and jdcolor.c: 16 bits behind the point.
 */

/**
 * Writes the part of an image from its planes, which begin at the same place of the image.
 *
 * Shapes  luma [*, stride * h], blue and red [*, stride]; target [height, width, 3]; line has room for `reach * 3` + 48
 * bytes, blues and reds for int16 [stride + 24].
 *
 * @param columns samples of a row of colours, and `rows` of a column, that the image has here
 * @param reach pixels of a row that are made, from the planes' first one: `left` + `width`
 */
export function jpegColours(
  luma: usize,
  blue: usize,
  red: usize,
  stride: i32,
  h: i32,
  v: i32,
  columns: i32,
  rows: i32,
  left: i32,
  top: i32,
  width: i32,
  height: i32,
  target: usize,
  line: usize,
  blues: usize,
  reds: usize,
): void {
  const reach = left + width;
  for (let y: i32 = top; y < top + height; y += 1) {
    const near = v === 1 ? y : y >> 1;
    const beside =
      v === 1 ? near : min<i32>(max<i32>(near + ((y & 1) === 0 ? -1 : 1), 0), rows - 1);
    const row = luma + <usize>(y * stride * h);
    if (h === 1) {
      wide(row, blue + <usize>(near * stride), red + <usize>(near * stride), reach, line);
    } else {
      sums(blue, near * stride, beside * stride, columns, v, blues);
      sums(red, near * stride, beside * stride, columns, v, reds);
      smooth(row, blues, reds, v, reach, line);
    }
    memory.copy(target, line + <usize>(left * 3), <usize>(width * 3));
    target += <usize>(width * 3);
  }
}

/** Three parts of the nearer row and one of the other, or the row itself, with its ends twice. */
function sums(plane: usize, near: i32, beside: i32, columns: i32, v: i32, to: usize): void {
  const from = plane + <usize>near;
  const other = plane + <usize>beside;
  const three = i16x8.splat(3);
  const end = <usize>columns;
  for (let x: usize = 0; x < end; x += 8) {
    let some = v128.load8x8_u(from + x);
    if (v === 2) some = i16x8.add(i16x8.mul(some, three), v128.load8x8_u(other + x));
    v128.store(to + 16 + (x << 1), some);
  }
  store<i16>(to + 14, load<i16>(to + 16));
  store<i16>(to + 16 + (end << 1), load<i16>(to + 14 + (end << 1)));
}

/** Pixels of full colours. */
function wide(luma: usize, blue: usize, red: usize, reach: i32, to: usize): void {
  const middle = i16x8.splat(128);
  for (let x: usize = 0; x < <usize>reach; x += 16, to += 48) {
    sixteen(
      luma + x,
      i16x8.sub(v128.load8x8_u(blue + x), middle),
      i16x8.sub(v128.load8x8_u(blue + x + 8), middle),
      i16x8.sub(v128.load8x8_u(red + x), middle),
      i16x8.sub(v128.load8x8_u(red + x + 8), middle),
      to,
    );
  }
}

/** Pixels of colours of half the width: three parts of their own sample, one of the one beside. */
function smooth(luma: usize, blues: usize, reds: usize, v: i32, reach: i32, to: usize): void {
  const three = i16x8.splat(3);
  const shift = v === 2 ? 4 : 2;
  const roundLeft = i16x8.splat(v === 2 ? 8 : 1);
  const roundRight = i16x8.splat(v === 2 ? 7 : 2);
  for (let x: usize = 0; x < <usize>reach; x += 16, to += 48) {
    const blue3 = i16x8.mul(v128.load(blues + x, 16), three);
    const red3 = i16x8.mul(v128.load(reds + x, 16), three);
    const blueLeft = mixed(blue3, v128.load(blues + x, 14), roundLeft, shift);
    const blueRight = mixed(blue3, v128.load(blues + x, 18), roundRight, shift);
    const redLeft = mixed(red3, v128.load(reds + x, 14), roundLeft, shift);
    const redRight = mixed(red3, v128.load(reds + x, 18), roundRight, shift);
    sixteen(
      luma + x,
      i16x8.shuffle(blueLeft, blueRight, 0, 8, 1, 9, 2, 10, 3, 11),
      i16x8.shuffle(blueLeft, blueRight, 4, 12, 5, 13, 6, 14, 7, 15),
      i16x8.shuffle(redLeft, redRight, 0, 8, 1, 9, 2, 10, 3, 11),
      i16x8.shuffle(redLeft, redRight, 4, 12, 5, 13, 6, 14, 7, 15),
      to,
    );
  }
}

/** Eight colours less 128. */
function mixed(own: v128, beside: v128, rounding: v128, shift: i32): v128 {
  const sum = i16x8.add(i16x8.add(own, beside), rounding);
  return i16x8.sub(i16x8.shr_u(sum, shift), i16x8.splat(128));
}

/** Sixteen pixels of a row. */
function sixteen(luma: usize, blue0: v128, blue1: v128, red0: v128, red1: v128, to: usize): void {
  // Half the fractions of 1.402 and 1.772 - 2: products of colours are rounded to the same.
  const redHalf = i16x8.splat(13172);
  const blueHalf = i16x8.splat(-7471);
  const luma0 = v128.load8x8_u(luma);
  const luma1 = v128.load8x8_u(luma + 8);
  const r = i8x16.narrow_i16x8_u(
    i16x8.add(luma0, i16x8.add(red0, i16x8.q15mulr_sat_s(red0, redHalf))),
    i16x8.add(luma1, i16x8.add(red1, i16x8.q15mulr_sat_s(red1, redHalf))),
  );
  const g = i8x16.narrow_i16x8_u(
    i16x8.add(luma0, i16x8.sub(both(blue0, red0), red0)),
    i16x8.add(luma1, i16x8.sub(both(blue1, red1), red1)),
  );
  const b = i8x16.narrow_i16x8_u(
    i16x8.add(luma0, i16x8.add(i16x8.shl(blue0, 1), i16x8.q15mulr_sat_s(blue0, blueHalf))),
    i16x8.add(luma1, i16x8.add(i16x8.shl(blue1, 1), i16x8.q15mulr_sat_s(blue1, blueHalf))),
  );
  // Twelve bytes are pixels; the next store writes over the four behind them.
  const pixels = i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0);
  const rg0 = i8x16.shuffle(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const rg1 = i8x16.shuffle(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const b0 = i8x16.shuffle(b, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const b1 = i8x16.shuffle(b, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(to, i8x16.swizzle(i16x8.shuffle(rg0, b0, 0, 8, 1, 9, 2, 10, 3, 11), pixels));
  v128.store(to + 12, i8x16.swizzle(i16x8.shuffle(rg0, b0, 4, 12, 5, 13, 6, 14, 7, 15), pixels));
  v128.store(to + 24, i8x16.swizzle(i16x8.shuffle(rg1, b1, 0, 8, 1, 9, 2, 10, 3, 11), pixels));
  v128.store(to + 36, i8x16.swizzle(i16x8.shuffle(rg1, b1, 4, 12, 5, 13, 6, 14, 7, 15), pixels));
}

/** What blue and red take from green, a whole red aside. */
function both(blue: v128, red: v128): v128 {
  const factors = i16x8(-22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734);
  const rounding = i32x4.splat(32768);
  const low = i32x4.dot_i16x8_s(i16x8.shuffle(blue, red, 0, 8, 1, 9, 2, 10, 3, 11), factors);
  const high = i32x4.dot_i16x8_s(i16x8.shuffle(blue, red, 4, 12, 5, 13, 6, 14, 7, 15), factors);
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(low, rounding), 16),
    i32x4.shr_s(i32x4.add(high, rounding), 16),
  );
}
