// Original file: proto/tessera/v1/control.proto


export interface LeafRange {
  'first'?: (number);
  'count'?: (number);
}

export interface LeafRange__Output {
  'first': (number);
  'count': (number);
}
