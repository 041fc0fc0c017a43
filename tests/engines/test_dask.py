"""Models in Dask, on a cluster of two processes."""

from __future__ import annotations

import mlflow.pyfunc
import pandas as pd
import pytest

from engines.conftest import Versions, expected

pytestmark = pytest.mark.engines

ROWS = 1000
PARTITIONS = 4


def test_a_loaded_model_scores_partitions_in_other_processes(versions: Versions) -> None:
    """The model is an argument of the tasks, and loads itself where they run."""
    distributed = pytest.importorskip("distributed")
    dataframe = pytest.importorskip("dask.dataframe")
    model = mlflow.pyfunc.load_model(str(versions.package))
    rows = dataframe.from_pandas(pd.DataFrame({"x": [float(x) for x in range(ROWS)]}), npartitions=PARTITIONS)
    meta = pd.DataFrame({"prediction": pd.Series(dtype="float64")})

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        found = rows.map_partitions(model.predict, meta=meta).compute()

    assert [expected(x) for x in range(ROWS)] == found["prediction"].tolist()
