// Original file: proto/tessera/v1/control.proto


/**
 * Reply to each heartbeat, so that both sides detect a dead connection.
 */
export interface Alive {
}

/**
 * Reply to each heartbeat, so that both sides detect a dead connection.
 */
export interface Alive__Output {
}
