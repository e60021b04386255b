"""The publications: what is published, and all that the API knows of the asset graph. Standard library only."""

from git_contrib_assets.published_files import CHECKED_FILE, CURRENT_LINK
from git_contrib_assets.serving.contract import catalogue, contributors
from git_contrib_assets.serving.contract.publication import Publication

PUBLICATIONS: tuple[Publication, ...] = (contributors.PUBLICATION, catalogue.PUBLICATION)
"""What anybody may read."""
PRIVATE_PUBLICATIONS: tuple[Publication, ...] = (catalogue.PRIVATE_PUBLICATION,)
"""What only those may read who ask for it by name, with a right to."""

__all__ = ["CHECKED_FILE", "CURRENT_LINK", "PRIVATE_PUBLICATIONS", "PUBLICATIONS", "Publication"]
