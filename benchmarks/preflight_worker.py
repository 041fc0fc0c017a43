"""The project in the working directory comes in, the seconds that preflight takes go out, as a line of JSON.

It runs by its path, in a process of its own: what one preflight imports, the next would find imported. It prints two
numbers, the import of the inference pipeline and what is done beyond that before the run is opened.
"""

from __future__ import annotations

import json
import time
from pathlib import Path


def main() -> None:
    """Do what Kedro and our hook do before the first node, up to the opening of the run."""
    from kedro.framework.project import pipelines
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    from kedro_autolog_pipeline.config.project import read_project
    from kedro_autolog_pipeline.pairing.registry import fetch_pipelines

    bootstrap_project(Path.cwd())
    # Of Kedro 1.5+: what `kedro run --pipelines training` asks for.
    getattr(pipelines, "set_requested", lambda _: None)(["training"])
    with KedroSession.create(Path.cwd()) as session:
        context = session.load_context()  # type: ignore[attr-defined]  # Kedro declares less than it gives
        project = read_project(context)
        if project is None:
            raise ValueError(context.project_path)
        training, catalog = pipelines["training"], context.catalog
        started = time.perf_counter()
        fetch_pipelines(["inference"])
        imported = time.perf_counter()
        from kedro_autolog_pipeline.preflight.checks import find_candidates
        from kedro_autolog_pipeline.run.kedro_run import KedroRun

        params = {"run_id": "now", "pipeline_names": ["training"], "project_path": Path.cwd()}
        run = KedroRun.from_hook(params, training, catalog)
        candidates = find_candidates(project, run)
        looked = time.perf_counter()
    if not candidates:
        raise ValueError(training)
    print(json.dumps([imported - started, looked - imported]))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
