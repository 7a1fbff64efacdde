"""Prints, as JSON, all that TensorBoard reads of the runs in a folder: tensorboard-read.py LOGDIR python|rust."""
import base64
import json
import math
import os
import sys
import time

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import backend_context, metadata

EVERYTHING = 1_000_000
EVERY = {"experiment_id": "", "downsample": EVERYTHING}
PLUGINS = ["scalars", "images", "histograms", "text", "hparams"]


def provider_of(logdir, kind):
    """The reader that `tensorboard` takes by default is the one in Rust; --load_fast=false takes that in Python."""
    if kind == "rust":
        from tensorboard.data import server_ingester
        from tensorboard.util import grpc_util

        ingester = server_ingester.SubprocessServerDataIngester(
            server_binary=server_ingester.get_server_binary(),
            logdir=logdir,
            reload_interval=0,
            channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
            samples_per_plugin={plugin: EVERYTHING for plugin in PLUGINS},
        )
        ingester.start()
        return ingester.data_provider
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={plugin: 0 for plugin in PLUGINS}
    )
    multiplexer.AddRunsFromDirectory(logdir)
    multiplexer.Reload()
    return data_provider.MultiplexerDataProvider(multiplexer, logdir)


def plain(value):
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def series(provider, ctx):
    """Points by run and tag."""
    found = {}
    scalars = provider.read_scalars(ctx, plugin_name="scalars", **EVERY)
    texts = provider.read_tensors(ctx, plugin_name="text", **EVERY)
    histograms = provider.read_tensors(ctx, plugin_name="histograms", **EVERY)
    images = provider.read_blob_sequences(ctx, plugin_name="images", **EVERY)

    def take(plugin, runs, value_of):
        for run, tags in runs.items():
            for tag, points in tags.items():
                found.setdefault(run, {}).setdefault(plugin, {})[tag] = [
                    [p.step, round(p.wall_time, 3), value_of(p)] for p in points
                ]

    def blobs(point):
        read = [provider.read_blob(ctx, blob_key=value.blob_key) for value in point.values]
        return [base64.b64encode(blob).decode() for blob in read]

    take("scalars", scalars, lambda p: plain(float(p.value)))
    take("text", texts, lambda p: p.numpy.item().decode())
    take("histograms", histograms, lambda p: p.numpy.tolist())
    take("images", images, blobs)
    return found


def hparams(provider, ctx):
    """Settings and ends by run, and what the table of runs has as columns."""
    backend = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    content = backend.hparams_metadata(ctx, "")
    sessions = {}
    for run, tags in content.items():
        session = sessions.setdefault(run, {})
        for tag, raw in tags.items():
            if tag == metadata.SESSION_START_INFO_TAG:
                info = metadata.parse_session_start_info_plugin_data(raw)
                session["settings"] = {
                    name: plain(getattr(value, value.WhichOneof("kind")))
                    for name, value in info.hparams.items()
                }
                session["group"] = info.group_name
                session["started"] = info.start_time_secs
            else:
                info = metadata.parse_session_end_info_plugin_data(raw)
                session["status"] = info.status
                session["ended"] = info.end_time_secs
    nothing = backend.hparams_from_data_provider(ctx, "", limit=None)
    experiment = backend.experiment_from_metadata(ctx, "", True, content, nothing)
    columns = sorted(info.name for info in experiment.hparam_infos)
    metrics = sorted(info.name.tag for info in experiment.metric_infos)
    return {"sessions": sessions, "columns": columns, "metrics": metrics}


def settled(provider, ctx):
    """The server in Rust replies while it still reads."""
    before = {}
    for _ in range(100):
        found = series(provider, ctx)
        if found and found == before:
            return found
        before = found
        time.sleep(0.2)
    raise SystemExit("TensorBoard reads nothing")


def main():
    provider = provider_of(sys.argv[1], sys.argv[2])
    ctx = context.RequestContext()
    found = {"series": settled(provider, ctx), "hparams": hparams(provider, ctx)}
    print(json.dumps(found, sort_keys=True))
    sys.stdout.flush()
    # The server in Rust ends with its stdin, which threads of gRPC would hold open.
    os._exit(0)


main()
