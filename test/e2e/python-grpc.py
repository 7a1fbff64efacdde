"""Calls a coordinator's bulk calls with Google's own gRPC, and prints what came as JSON.

    python-grpc.py ADDRESS    (standard input: serialized FileDescriptorProtos, base64, as a JSON list)
"""
import base64
import json
import sys
import zlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

address = sys.argv[1]
pool = descriptor_pool.DescriptorPool()
pending = [descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text)) for text in json.load(sys.stdin)]
while pending:
    for file in pending:
        if not any(other.name in file.dependency for other in pending):
            pool.Add(file)
            pending.remove(file)
            break


def kind(name):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tessera.v1.{name}"))


Chunk, NodeChunk, PushReply = kind("Chunk"), kind("NodeChunk"), kind("PushReply")
PullRequest, FetchRequest = kind("PullRequest"), kind("FetchRequest")
SampleChunk, FeatureRows = kind("SampleChunk"), kind("FeatureRows")
SESSION = "s-1"
TRAIN = 1  # Of the enums of work and of splits. Fields are named as the loader of Node names them.
CHUNK_BYTES = 1 << 20

channel = grpc.insecure_channel(address)


def name_of(call):
    return f"/tessera.v1.Exchange/{call}"


def download(call, request, reply):
    make = channel.unary_stream(
        name_of(call),
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=reply.FromString,
    )
    return list(make(request, timeout=30))


def push(vector, session=SESSION):
    node = {
        "session": session, "kind": TRAIN, "step": 12, "version": 12, "first": 4, "count": 4,
        "lossSum": 1.5, "correct": 3, "samples": 32, "timings": {},
    }
    features = bytes(12)
    yield NodeChunk(node=node)
    yield NodeChunk(features={"indices": [1], "labels": [0], "crc32": zlib.crc32(features), "data": features})
    for offset in range(0, len(vector), CHUNK_BYTES):
        data = vector[offset : offset + CHUNK_BYTES]
        yield NodeChunk(
            chunk={"offset": offset, "totalBytes": len(vector), "crc32": zlib.crc32(data), "data": data}
        )


upload = channel.stream_unary(
    name_of("PushNode"),
    request_serializer=lambda message: message.SerializeToString(),
    response_deserializer=PushReply.FromString,
)

chunks = download("PullParameters", PullRequest(session=SESSION, version=3), Chunk)
vector = b"".join(chunk.data for chunk in chunks)
samples = download("FetchSamples", FetchRequest(session=SESSION, split=TRAIN, indices=[9, 2]), SampleChunk)
outcome = upload(push(vector), timeout=30).outcome
features = download("FetchFeatures", FetchRequest(session=SESSION, split=TRAIN, indices=[1]), FeatureRows)
try:
    upload(push(vector, "another"), timeout=30)
    refusal = None
except grpc.RpcError as error:
    refusal = [error.code().name, error.details(), dict(error.trailing_metadata()).get("error-code")]

print(
    json.dumps(
        {
            "vector": zlib.crc32(vector),
            "chunksHold": all(zlib.crc32(chunk.data) == chunk.crc32 for chunk in chunks),
            "samples": [[chunk.index, len(chunk.data), chunk.last] for chunk in samples],
            "outcome": outcome,
            "features": [list(rows.indices) for rows in features],
            "refusal": refusal,
        }
    )
)
