/** @file The two sums of a range of parameters, as in shared/training/parameter-sums.ts. */

/** The last step of MurmurHash3. */
function mixed(words: v128): v128 {
  let mix = i32x4.mul(v128.xor(words, i32x4.shr_u(words, 16)), i32x4.splat(0x85eb_ca6b));
  mix = i32x4.mul(v128.xor(mix, i32x4.shr_u(mix, 13)), i32x4.splat(0xc2b2_ae35));
  return v128.xor(mix, i32x4.shr_u(mix, 16));
}

/** Sums of `count` words, the first of which is word `first` of its vector: of bits below, of bits and places above. */
export function parameterSums(words: usize, count: i32, first: i32): u64 {
  const lanes = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  let offsets = i32x4.mul(lanes, i32x4.splat(0x9e37_79b9));
  // Four places further on.
  const stride = i32x4.splat(0x78dd_e6e4);
  let bits = i32x4.splat(0);
  let places = i32x4.splat(0);
  let i: i32 = 0;
  if (count >= 4) {
    do {
      const word = v128.load(words + ((<usize>i) << 2));
      bits = i32x4.add(bits, word);
      places = i32x4.add(places, mixed(i32x4.add(word, offsets)));
      offsets = i32x4.add(offsets, stride);
      i += 4;
    } while (i + 4 <= count);
  }
  let bitsSum: u32 = sumOfLanes(bits);
  let placesSum: u32 = sumOfLanes(places);
  for (; i < count; i += 1) {
    const word: u32 = load<u32>(words + ((<usize>i) << 2));
    bitsSum += word;
    const offset: u32 = <u32>(first + i) * 0x9e37_79b9;
    placesSum += <u32>i32x4.extract_lane(mixed(i32x4.splat(word + offset)), 0);
  }
  return ((<u64>placesSum) << 32) | <u64>bitsSum;
}

function sumOfLanes(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}
