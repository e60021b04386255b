"""The asset graph as data, stored in tests/graph.json: ``python tests/asset_graph.py`` writes it anew."""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from git_contrib_assets import automation
from git_contrib_assets.definitions import defs

FILE = Path(__file__).parent / "graph.json"


def text() -> str:
    """The listing as the code gives it now."""
    return json.dumps(listing(), indent=2, sort_keys=True) + "\n"


def listing() -> dict[str, Any]:
    """What people and other programs may rely on, by name."""
    graph = defs.resolve_asset_graph()
    return {
        "assets": {
            node.key.to_user_string(): {
                "group": node.group_name,
                "follows_by_itself": node.automation_condition is not None,
                "kinds": sorted(node.kinds),
                "needs": sorted(key.to_user_string() for key in node.parent_keys),
                "partitions": getattr(node.partitions_def, "name", None),
                "tags": sorted(tag for tag in node.tags if not tag.startswith("dagster/")),
            }
            for node in graph.asset_nodes
            if node.is_materializable
        },
        "checks": {
            f"{key.asset_key.to_user_string()} {key.name}": "blocking" if spec.blocking else "warns"
            for key in sorted(graph.asset_check_keys)
            for spec in [graph.get_check_spec(key)]
        },
        "jobs": {
            job.name: sorted(key.to_user_string() for key in job.selection.resolve(graph))
            for job in (automation.catalogue_job, automation.refresh_job)
        },
        "schedules": {
            schedule.name: {
                "at": f"{schedule.cron_schedule} {schedule.execution_timezone}",
                "starts": schedule.job_name,
                "status": schedule.default_status.value,
            }
            for schedule in defs.schedules or []
            if isinstance(schedule, dg.ScheduleDefinition)
        },
        "sensors": {
            sensor.name: {
                "every_seconds": sensor.minimum_interval_seconds,
                "kind": type(sensor).__name__,
                "starts": [target.job_name for target in sensor.targets if target.job_name],
                "status": sensor.default_status.value,
            }
            for sensor in defs.sensors or []
        },
    }


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
