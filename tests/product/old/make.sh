#!/bin/bash
# Makes house.tar.xz: runs, a sweep and an audit as version 0.1.0 wrote them, before the house was rebuilt.
#
# Run it in a checkout of commit 60a0599, with that version's environment first in PATH: tests/product/old/make.sh TARGET.tar.xz
# It works in /old-house, which must not be there, so that no file names a folder of the machine that it was made on.
#
# Everything is written by the real command or by the engine's jobs, and packed as it is. The one thing chosen to keep
# the archive small is where VGG16 starts: from a file of weights in which six channels of each layer are alive, and
# all others are zero. Nothing reaches the dead ones, so their weights, gradients and moments stay what they were, and
# a gigabyte of weight files and resume points packs into 1.4 MB. What is alive sees edges, and learns as ever.
set -euo pipefail

target=$(realpath -m "$1")
place=/old-house
export PYTHONPATH=$PWD COVID_TUI_CACHE=$place.cache XDG_CONFIG_HOME=$place.cache/config CUDA_VISIBLE_DEVICES=
mkdir "$place" "$place.cache" "$place/runs" "$place/told"
trap 'rm -rf "$place" "$place.cache"' EXIT
cp -r sample_data "$place/sample_data"
cd "$place"

covid() { python -c "from tui.cli import main; main()" "$@"; }

python - <<'PYTHON'
"""The file of weights: values in sixteenths, so that they pack well; drawn, but for the first layer, around "pass on"."""
import keras
import numpy as np

ALIVE = 6
random = np.random.default_rng(4)
base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(224, 224, 3))
for number, layer in enumerate(layer for layer in base.layers if layer.weights):
    kernel, bias = (np.zeros(weight.shape, np.float32) for weight in layer.weights)
    before = min(kernel.shape[2], ALIVE)
    if number == 0:
        edges = np.array([[0, 0, 0], [-1, 2, -1], [0, 0, 0]])
        blur = np.ones((3, 3)) / 8
        for channel, one in enumerate((edges, edges.T, -edges, -edges.T, blur, -blur)):
            kernel[:, :, :before, channel] = one[:, :, None] / 16
    else:
        drawn = random.integers(-2, 3, (3, 3, before, ALIVE)) / 16
        drawn[1, 1] += np.eye(ALIVE)
        kernel[:, :, :before, :ALIVE] = drawn
    layer.set_weights([kernel, bias])
base.save_weights("vgg16.weights.h5")
PYTHON

common=(--classes "COVID,Normal" --weights vgg16.weights.h5 --augment none --precision float32 --batch 8
        --val-share 0.2 --test-share 0.2)
whole=("${common[@]}" --lr 1e-3 --epochs 20 --patience 0)

# A finished run, tested, tested elsewhere, with its card; and another on its split, of another depth.
covid --train sample_data "${whole[@]}" --out runs --name whole
covid evaluate whole --out runs --on sample_data --map "Viral Pneumonia=Normal"
covid --train sample_data "${common[@]}" --mode partial --unfreeze block5_conv3 --lr 1e-3 --epochs 20 --patience 3 \
    --split runs/whole/split.csv --out runs --name other

# Runs that did not end: stopped after the eighth of twenty epochs, and killed in the second phase after a resume in the
# first. What each would have become is kept beside, as is the sweep in one go.
python - <<'PYTHON'
import json
import multiprocessing
import os
import signal
from pathlib import Path

from engine import jobs
from engine.config import (AugmentConfig, DataConfig, FitConfig, MachineConfig, NetworkConfig, OutputConfig, SweepConfig,
                           TrainConfig)
from engine.events import Batch, Epoch
from engine.runs import Run
from engine.stopping import Stop
from engine.sweep import Grid, Sweep

DATA, OUT = Path("sample_data"), Path("runs").absolute()


def recipe(fit, network, out, name):
    return TrainConfig(
        DataConfig(classes="COVID,Normal", val_share=0.2, test_share=0.2), network,
        AugmentConfig(augment="none"), fit, MachineConfig(precision="float32"),
        output=OutputConfig(out=out, name=name),
    )


def in_a_process(work):
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    return process.exitcode


def until(event_is, then):
    stop = Stop()
    return lambda event: then(stop) if event_is(event) else None, stop


def at_epoch(number):
    return lambda event: isinstance(event, Epoch) and event.epoch == number


def now(stop):
    stop.request("now")


def kill(stop):
    os.kill(os.getpid(), signal.SIGKILL)


HEAD = NetworkConfig(weights="vgg16.weights.h5")
PHASES = NetworkConfig(weights="vgg16.weights.h5", mode="probe-then-finetune", unfreeze="block5_conv3")
fit = FitConfig(epochs=20, batch=8, lr=1e-3, patience=0)
phased = FitConfig(epochs=7, batch=8, lr=1e-3, patience=0, probe_epochs=4)

assert in_a_process(lambda: jobs.train(DATA, recipe(fit, HEAD, OUT, "stopped"), *until(at_epoch(8), now))) == 0
config = recipe(phased, PHASES, OUT, "died")
assert in_a_process(lambda: jobs.train(DATA, config, *until(at_epoch(2), now))) == 0
run = Run(OUT / "died")
killed = in_a_process(lambda: jobs.resume(run, run.config(), *until(
    lambda event: isinstance(event, Batch) and event.epoch == 6, kill)))
assert killed == -signal.SIGKILL, killed
assert in_a_process(lambda: jobs.train(DATA, recipe(phased, PHASES, Path("twins"), "died"), lambda _: None, Stop())) == 0

ASKED = SweepConfig(depths="head,block5_conv3", lrs="0.01,0.001", seeds=1)


def sweep(out, *emit_and_stop):
    config = recipe(FitConfig(epochs=6, batch=8, patience=0), HEAD, out, "swept")
    Sweep(DATA, config, Grid.of(ASKED, config)).train(*emit_and_stop)


class Third:
    """The third training's third epoch."""

    epochs = 0

    def __call__(self, event):
        self.epochs += isinstance(event, Epoch)
        return isinstance(event, Epoch) and self.epochs == 6 + 6 + 3


assert in_a_process(lambda: sweep(OUT, *until(Third(), now))) == 0
assert in_a_process(lambda: sweep(Path("twins"), lambda _: None, Stop())) == 0
PYTHON

covid audit sample_data --classes "COVID,Normal" --weights vgg16.weights.h5 --precision float32 --folds 2 \
    --epochs 8 --batch 8 --patience 0 --out runs --name audited
covid report whole --out runs --audit runs/audited

# What this version says of them, and the numbers of what the unfinished ones would have become.
covid runs --out runs --json > told/runs.jsonl
images=(sample_data/COVID/images/COVID-1.png sample_data/Normal/images/Normal-1.png)
for run in whole other; do
    covid predict "${images[@]}" --run $run --out runs --json > told/predict-$run.jsonl
    covid evaluate $run --out runs --json > told/evaluate-$run.json
done
covid compare whole other --out runs --json > told/compare.json
covid sweep sample_data "${common[@]}" --epochs 6 --patience 0 --depths head,block5_conv3 --lrs 0.01,0.001 --seeds 1 \
    --out runs --name swept --plan --json > told/plan.jsonl
cp --parents twins/died/{history.csv,test.json} twins/swept/sweep.json twins/swept/*/history.csv told

# Only what a file system holds as a hole is one for tar; the copies of one head lie within the dictionary.
mkdir packed
cp -r --sparse=always vgg16.weights.h5 runs told packed
tar --create --directory=packed --sparse --hole-detection=raw --format=pax --owner=0 --group=0 --numeric-owner \
    --sort=name vgg16.weights.h5 runs told | xz --lzma2=preset=9e,dict=192MiB > "$target"
