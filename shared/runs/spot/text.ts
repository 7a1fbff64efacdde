/** @file What has happened to a run beside training, and what it cost, in words. Pure. */
import { formatCount, formatSpan } from '../../core/units.ts';
import type { SpotReport } from '../spot.ts';

/** Two lines: what happened and what it cost; whether the result is that of an undisturbed run. */
export function spotTexts(spot: SpotReport): readonly [string, string] {
  const { lives, workersLost, secondsLost, stepsAgain, samplesAgain, leavesAgain } = spot;
  const happened = [
    ...(lives > 1 ? [`started ${lives} times`] : []),
    ...(workersLost > 0 ? [`${counted(workersLost, 'worker')} lost`] : []),
  ];
  const again = [
    ...(stepsAgain > 0
      ? [`${counted(stepsAgain, 'step')} (${counted(samplesAgain, 'image')})`]
      : []),
    ...(leavesAgain > 0 ? [counted(leavesAgain, 'leaf', 'leaves')] : []),
  ];
  const cost = [
    `${formatSpan(secondsLost * 1000)} lost`,
    ...(again.length > 0 ? [`${again.join(' and ')} computed again`] : []),
  ];
  return [`${happened.join(', ')}: ${cost.join(', ')}`, resultText(spot)];
}

/** The bits are promised for one kind of engine and processor. */
function resultText({ stepsDiffering, isOneKind }: SpotReport): string {
  if (stepsDiffering > 0) {
    return `${counted(stepsDiffering, 'step')} computed again had other bits than the first time`;
  }
  return isOneKind
    ? 'the result is that of a run that nothing disturbed, to the last bit'
    : 'several kinds of engines or processors took part: the last bits may differ from an undisturbed run';
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
