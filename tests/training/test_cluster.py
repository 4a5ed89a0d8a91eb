"""A search on a real Dask cluster: a scheduler and workers, each a process of its own, one of them killed."""

import os
import signal
import time
from threading import Thread

import numpy as np
import pytest

pytest.importorskip("distributed")

import distributed

from nn_helpers import points
from nn_helpers.__main__ import main
from nn_helpers.training.search import search

pytestmark = pytest.mark.filterwarnings("ignore")  # of ports, and of a worker that is gone

DATA = points("blobs", n_train=200, n_val=200)
CONFIGURATIONS = [{"hidden_sizes": (16,), "lr": lr} for lr in np.geomspace(1e-4, 1e-1, 8)]


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def alone():
    return search(DATA, CONFIGURATIONS, epochs=20, seeds=2, jobs=1, progress=False)


def scores(found):
    return {each.configuration["lr"]: each.scores.tolist() for each in found}


def test_a_cluster_finds_the_same_and_gets_the_data_once(cluster, alone, monkeypatch):
    sent = []
    scatter = distributed.Client.scatter
    monkeypatch.setattr(
        distributed.Client, "scatter", lambda *a, **k: sent.append(k.get("broadcast")) or scatter(*a, **k)
    )
    with distributed.Client(cluster) as client:
        found = search(DATA, CONFIGURATIONS, epochs=20, seeds=2, client=client, progress=False)
    assert sent == [True]  # at once to every worker
    assert scores(found) == scores(alone)


def test_a_worker_that_is_killed_costs_time_and_nothing_is_lost_or_counted_twice(cluster, alone, monkeypatch):
    counted = []
    monkeypatch.setattr("tqdm.auto.tqdm.update", lambda bar, n=1: counted.append(n))
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        pids = client.run(os.getpid)

        def kill_one():
            while len(counted) < 3:
                time.sleep(0.01)
            os.kill(min(pids.values()), signal.SIGKILL)

        killer = Thread(target=kill_one)
        killer.start()
        found = search(DATA, CONFIGURATIONS, epochs=20, seeds=2, client=client)
        killer.join()
        client.wait_for_workers(2)  # the nanny has begun another
        assert min(pids.values()) not in client.run(os.getpid).values()
    assert scores(found) == scores(alone)
    assert sum(counted) == 2 * len(CONFIGURATIONS)


def test_the_command_runs_on_a_cluster_and_says_when_there_is_none(cluster, capsys):
    small = ["search", "--data", "sketches", "--images", "20", "--val", "10"]
    small += ["--count", "2", "--epochs", "1", "--quiet"]
    assert main([*small, "--scheduler", cluster.scheduler_address]) == 0
    there = capsys.readouterr().out
    assert main([*small, "--jobs", "1"]) == 0
    assert capsys.readouterr().out == there
    assert main([*small, "--scheduler", "nowhere"]) == 2
