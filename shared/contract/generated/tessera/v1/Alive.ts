// Original file: proto/tessera/v1/control.proto


/**
 * Answer to each heartbeat, so that both sides notice a silent line.
 */
export interface Alive {
}

/**
 * Answer to each heartbeat, so that both sides notice a silent line.
 */
export interface Alive__Output {
}
