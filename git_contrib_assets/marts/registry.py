"""All marts, of all subjects."""

from git_contrib_assets.marts import catalogue, contributors
from git_contrib_assets.marts.mart import Mart

MARTS: tuple[Mart, ...] = (*contributors.MARTS, *catalogue.MARTS)
