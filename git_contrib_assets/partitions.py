"""The partitions: one per repository, named ``owner/name`` as it is called now."""

import dagster as dg

repository_partitions = dg.DynamicPartitionsDefinition(name="repository")
