// Original file: proto/tessera/v1/control.proto


export interface StatusRequest {
}

export interface StatusRequest__Output {
}
