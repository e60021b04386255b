"""When assets run by themselves: after a crawl of some partitions, whoever started it, the tables follow."""

import dagster as dg

after_crawl = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
"""Follow what is upstream. A repository that was never crawled must not hold the tables back for ever."""

tables_follow_crawl = dg.AutomationConditionSensorDefinition(
    "tables_follow_crawl",
    target=dg.AssetSelection.groups("contributors", "repositories", "serving"),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Recomputes and publishes the tables after a crawl that did not do so itself, as from the UI",
)
