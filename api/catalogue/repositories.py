"""The repositories of the catalogue as a list, which the page shows. ``/v1/repositories`` shows them with their counts."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.catalogue import models
from api.kit.lists import ListQuery

Status = Literal["public", "private"]
State = Literal["listed", "gone"]
Sort = Literal["repository", "-repository", "stars", "-stars"]
DEFAULT_SORT: Sort = "-stars"

LIST = ListQuery(
    select="catalogue/repositories", row=models.ListedRepository, file_name="repositories", ties=("repository", "id")
)


class Choice(BaseModel):
    """What the page may be asked for. Forms send more than that, and other sites add parameters of their own."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str | None = Field(None, alias="q", max_length=100)
    owner: str | None = Field(None, max_length=100)
    status: Status | None = None
    state: State | None = None
    sort: Sort = DEFAULT_SORT
    page: int = Field(1, ge=1, le=1_000_000)

    @property
    def filters(self) -> dict[str, str | None]:
        """The parameters of ``repositories.sql``."""
        return {"text": self.text, "owner": self.owner, "status": self.status, "state": self.state}
