"""The asset graph as data, stored in tests/graph.json: ``python tests/asset_graph.py`` writes it again."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from git_contrib_assets.definitions import defs
from git_contrib_assets.graph import automation
from git_contrib_assets.reconciliation.job import reconcile_job

FILE = Path(__file__).parent / "graph.json"


def text() -> str:
    """The listing as the code gives it now."""
    return json.dumps(listing(), indent=2, sort_keys=True) + "\n"


def listing() -> dict[str, Any]:
    """What people and other programs may rely on, by name. Nothing in it depends on the machine."""
    graph = defs.resolve_asset_graph()
    return {
        "assets": {
            node.key.to_user_string(): {
                "group": node.group_name,
                "follows_by_itself": node.automation_condition is not None,
                "fresh_for_hours": _hours(node.freshness_policy_or_from_metadata),
                "kinds": sorted(node.kinds),
                "needs": sorted(key.to_user_string() for key in node.parent_keys),
                "one_row_per": (node.description or "").partition(".")[0],
                "owners": sorted(node.owners),
                "partitions": getattr(node.partitions_def, "name", None),
                "served_by": _path(node.metadata.get("served_by")),
                "table": _value(node.metadata.get("dagster/table_name")),
                "tags": sorted(
                    f"{tag}: {value}" if value else tag
                    for tag, value in node.tags.items()
                    if not tag.startswith("dagster/")
                ),
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
            job.name: {
                "assets": sorted(key.to_user_string() for key in job.selection.resolve(graph)),
                "checks": sorted(
                    f"{key.asset_key.to_user_string()} {key.name}" for key in job.selection.resolve_checks(graph)
                ),
            }
            for job in (automation.collect_job, automation.catalogue_job, automation.refresh_job, reconcile_job)
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


def _hours(policy: Any) -> float | None:
    return policy.fail_window.to_timedelta().total_seconds() / 3600 if policy else None


def _value(value: Any) -> Any:
    return getattr(value, "value", value)


def _path(link: Any) -> str | None:
    return urlsplit(_value(link)).path if link else None


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
