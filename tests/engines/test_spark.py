"""Models in Spark, on a session of two local workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import mlflow.pyfunc
import pandas as pd
import pytest

from engines.conftest import Versions, expected

pytestmark = pytest.mark.engines

ROWS = 1000
PARTITIONS = 4


@pytest.fixture(scope="module")
def spark(versions: Versions) -> Iterator[Any]:
    """Start a session, whose workers are processes of this Python."""
    sql = pytest.importorskip("pyspark.sql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("MLFLOW_TRACKING_URI", versions.tracking_uri)
        mlflow.set_tracking_uri(versions.tracking_uri)
        session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
        yield session
        session.stop()
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None unsets it


@pytest.fixture(scope="module")
def rows(spark: Any) -> Any:
    """Give rows in several partitions."""
    data = pd.DataFrame({"x": [float(x) for x in range(ROWS)]})
    return spark.createDataFrame(data).repartition(PARTITIONS)


def test_a_udf_of_a_struct_answers_each_row(spark: Any, rows: Any, versions: Versions) -> None:
    """As the model's page says to call it."""
    from pyspark.sql import functions

    predict = mlflow.pyfunc.spark_udf(spark, versions.first, env_manager="local")

    found = rows.withColumn("prediction", predict(functions.struct("x"))).collect()

    assert {float(x): expected(x) for x in range(ROWS)} == {row.x: row.prediction for row in found}


def test_a_parameter_is_given_to_all_rows(spark: Any, rows: Any, versions: Versions) -> None:
    """It counts for the udf that it is given to."""
    from pyspark.sql import functions

    predict = mlflow.pyfunc.spark_udf(spark, versions.first, env_manager="local", params={"offset": 2.0})

    found = rows.withColumn("prediction", predict(functions.struct("x"))).collect()

    assert {float(x): expected(x, 2.0) for x in range(ROWS)} == {row.x: row.prediction for row in found}


def test_two_versions_answer_in_one_job(spark: Any, rows: Any, versions: Versions) -> None:
    """A worker loads both, and each runs its own code."""
    from pyspark.sql import functions

    first, second = (
        mlflow.pyfunc.spark_udf(spark, uri, env_manager="local") for uri in (versions.first, versions.second)
    )
    struct = functions.struct("x")

    found = rows.withColumn("old", first(struct)).withColumn("new", second(struct)).collect()

    assert {(expected(x), expected(x) + 1000) for x in range(ROWS)} == {(row.old, row.new) for row in found}


def test_a_loaded_model_travels_in_a_closure(spark: Any, rows: Any, versions: Versions) -> None:
    """``mapInPandas`` takes whatever the model returns, and the model that it is given loads itself in each worker."""
    model = mlflow.pyfunc.load_model(versions.first)

    def score(tables: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Score tables one by one."""
        for table in tables:
            yield table.assign(prediction=model.predict(table)["prediction"])

    found = rows.mapInPandas(score, "x double, prediction double").collect()

    assert {float(x): expected(x) for x in range(ROWS)} == {row.x: row.prediction for row in found}
