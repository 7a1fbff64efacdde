/**
 * @file The PJRT C API as data: where each function is in the table, and how its arguments lie in memory.
 *
 * Every function takes one pointer to a struct and returns a pointer to an error, or nothing. So a table of layouts is
 * the whole binding. Every struct begins with its size and a pointer to extensions, which are left out here.
 *
 * Source  xla/pjrt/c/pjrt_c_api.h, API version 0.115; functions and fields are only ever appended.
 */

/** Kinds of fields: p pointer, n size_t or int64_t, i int or enum, b bool. */
export type FieldKind = 'p' | 'n' | 'i' | 'b';

/** The fields of a struct, in order. */
export type Fields = Readonly<Record<string, FieldKind>>;

/** PJRT_Api begins with its size, a pointer to extensions and a PJRT_Api_Version; the function table follows. */
export const API_HEAD = { size: 0, major: 32, minor: 36, table: 40 } as const;

/** Versions of the API that this binding was run with. */
export const API_VERSIONS = { major: 0, firstMinor: 115, lastMinor: 117 } as const;

/** The arguments of everything that destroys. */
const HANDLE = { handle: 'p' } as const;

/** The functions in use: place in the table and arguments. */
export const FUNCTIONS = {
  Error_Destroy: [0, HANDLE],
  Error_Message: [1, { error: 'p', message: 'p', message_size: 'n' }],
  Error_GetCode: [2, { error: 'p', code: 'i' }],
  Plugin_Initialize: [3, {}],
  Event_Destroy: [5, HANDLE],
  Event_Await: [8, { event: 'p' }],
  Client_Create: [
    10,
    {
      ...{ create_options: 'p', num_options: 'n' },
      ...{ kv_get_callback: 'p', kv_get_user_arg: 'p', kv_put_callback: 'p', kv_put_user_arg: 'p' },
      ...{ client: 'p', kv_try_get_callback: 'p', kv_try_get_user_arg: 'p' },
    },
  ],
  Client_Destroy: [11, HANDLE],
  Client_PlatformName: [12, { client: 'p', text: 'p', text_size: 'n' }],
  Client_PlatformVersion: [14, { client: 'p', text: 'p', text_size: 'n' }],
  Client_AddressableDevices: [16, { client: 'p', devices: 'p', num_devices: 'n' }],
  Client_Compile: [
    20,
    {
      ...{ client: 'p', program: 'p', compile_options: 'p', compile_options_size: 'n' },
      executable: 'p',
    },
  ],
  Client_BufferFromHostBuffer: [
    22,
    {
      ...{ client: 'p', data: 'p', type: 'i', dims: 'p', num_dims: 'n' },
      ...{ byte_strides: 'p', num_byte_strides: 'n', host_buffer_semantics: 'i' },
      ...{ device: 'p', memory: 'p', device_layout: 'p', done_with_host_buffer: 'p', buffer: 'p' },
    },
  ],
  DeviceDescription_Id: [23, { description: 'p', id: 'i' }],
  DeviceDescription_Kind: [26, { description: 'p', text: 'p', text_size: 'n' }],
  Device_GetDescription: [29, { device: 'p', description: 'p' }],
  Device_MemoryStats: [
    34,
    {
      ...{ device: 'p', bytes_in_use: 'n', peak_bytes_in_use: 'n', has_peak: 'b' },
      ...{ num_allocs: 'n', has_num_allocs: 'b', largest_alloc: 'n', has_largest_alloc: 'b' },
      ...{ bytes_limit: 'n', has_limit: 'b', bytes_reserved: 'n', has_reserved: 'b' },
      ...{ peak_reserved: 'n', has_peak_reserved: 'b', reservable: 'n', has_reservable: 'b' },
      ...{ largest_free: 'n', has_largest_free: 'b', pool: 'n', has_pool: 'b' },
      ...{ peak_pool: 'n', has_peak_pool: 'b' },
    },
  ],
  Executable_Destroy: [40, HANDLE],
  Executable_NumOutputs: [44, { executable: 'p', num_outputs: 'n' }],
  Executable_GetCostAnalysis: [46, { executable: 'p', num_properties: 'n', properties: 'p' }],
  Executable_Serialize: [
    49,
    { executable: 'p', bytes: 'p', bytes_size: 'n', serialized: 'p', deleter: 'p' },
  ],
  LoadedExecutable_Destroy: [50, HANDLE],
  LoadedExecutable_GetExecutable: [51, { loaded: 'p', executable: 'p' }],
  LoadedExecutable_Execute: [
    55,
    {
      ...{ executable: 'p', options: 'p', argument_lists: 'p', num_devices: 'n', num_args: 'n' },
      ...{ output_lists: 'p', device_complete_events: 'p', execute_device: 'p' },
    },
  ],
  Executable_DeserializeAndLoad: [
    56,
    {
      ...{ client: 'p', serialized: 'p', serialized_size: 'n', loaded: 'p' },
      ...{ options: 'p', options_size: 'n', load_options: 'p' },
    },
  ],
  Buffer_Destroy: [58, HANDLE],
  Buffer_IsDeleted: [68, { buffer: 'p', is_deleted: 'b' }],
  Buffer_CopyToDevice: [69, { buffer: 'p', device: 'p', copy: 'p' }],
  Buffer_ToHostBuffer: [
    70,
    { buffer: 'p', host_layout: 'p', destination: 'p', destination_size: 'n', event: 'p' },
  ],
  Buffer_ReadyEvent: [72, { buffer: 'p', event: 'p' }],
  TopologyDescription_Create: [
    82,
    { name: 'p', name_size: 'n', create_options: 'p', num_options: 'n', topology: 'p' },
  ],
  TopologyDescription_Destroy: [83, HANDLE],
  Compile: [
    89,
    {
      ...{ topology: 'p', program: 'p', compile_options: 'p', compile_options_size: 'n' },
      ...{ client: 'p', executable: 'p' },
    },
  ],
  Executable_OutputElementTypes: [90, { executable: 'p', types: 'p', num_types: 'n' }],
  Executable_OutputDimensions: [
    91,
    { executable: 'p', num_outputs: 'n', dims: 'p', dim_sizes: 'p' },
  ],
  Executable_OptimizedProgram: [48, { executable: 'p', program: 'p' }],
  Executable_GetCompiledMemoryStats: [
    96,
    {
      ...{ executable: 'p', code: 'n', arguments: 'n', outputs: 'n', aliases: 'n', temporary: 'n' },
      ...{ host_code: 'n', host_arguments: 'n', host_outputs: 'n', host_aliases: 'n' },
      ...{ host_temporary: 'n', peak: 'n' },
    },
  ],
} as const satisfies Readonly<Record<string, readonly [number, Fields]>>;

export type FunctionName = keyof typeof FUNCTIONS;

/** The arguments of a function. */
export type ArgumentsOf<F extends FunctionName> = (typeof FUNCTIONS)[F][1];

/** PJRT_NamedValue. */
export const NAMED_VALUE = {
  ...{ name: 'p', name_size: 'n', type: 'i', value: 'n', value_size: 'n' },
} as const satisfies Fields;

/** PJRT_NamedValue_Type. */
export const NAMED_VALUE_TYPES = { string: 0, int64: 1, int64List: 2, float: 3, bool: 4 } as const;

/** PJRT_Program. */
export const PROGRAM = {
  ...{ code: 'p', code_size: 'n', format: 'p', format_size: 'n' },
} as const satisfies Fields;

/** PJRT_ExecuteOptions, up to what is set here. */
export const EXECUTE_OPTIONS = {
  ...{ send_callbacks: 'p', recv_callbacks: 'p', num_send_ops: 'n', num_recv_ops: 'n' },
  ...{ launch_id: 'i', non_donatable: 'p', num_non_donatable: 'n', context: 'p' },
  ...{ call_location: 'p', num_tasks: 'n', task_ids: 'p', incarnation_ids: 'p' },
  multi_slice_config: 'p',
} as const satisfies Fields;

/** PJRT_Buffer_MemoryLayout of the tiled kind: it holds a PJRT_Buffer_MemoryLayout_Tiled, 56 bytes with its head. */
export const MEMORY_LAYOUT = {
  ...{ tiled_size: 'n', tiled_extensions: 'p', minor_to_major: 'p', minor_to_major_size: 'n' },
  ...{ tiles: 'p', tile_dims: 'p', num_tiles: 'n', type: 'i' },
} as const satisfies Fields;
export const TILED_LAYOUT_SIZE = 56;

/** PJRT_HostBufferSemantics: the host's memory is free again when the call returns. */
export const ONLY_DURING_CALL = 0;

/** PJRT_Error_Code. */
export const ERROR_WORDS = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND'],
  ...['ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION'],
  ...['ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
  'UNAUTHENTICATED',
] as const;
