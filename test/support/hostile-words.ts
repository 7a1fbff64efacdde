/** @file Words that shells and other readers of text stumble over: the same for a seed. */
import { randomUnit } from '../../shared/core/random.ts';

const SIGNS = [...'\'"\\$`%#;&|<>()[]{}*?!~=-., \n\t\r\u0001\u007f\u0085\u200b\ufffeaZ0äß→😀'];

/** Words of such signs and of any others, without those that no argument of a process can hold. */
export function hostileWords(count: number, seed: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    const draw = (place: number, below: number) =>
      Math.floor(randomUnit(seed, 'jitter', at * 64 + place) * below);
    const signs = Array.from({ length: draw(0, 13) }, (_, place) => {
      const sign = String.fromCodePoint(1 + draw(2 * place + 1, 0xd7ff));
      return draw(2 * place + 2, 3) === 0 ? sign : (SIGNS[draw(2 * place + 1, SIGNS.length)] ?? '');
    });
    return signs.join('');
  });
}
