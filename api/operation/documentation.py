"""``/docs``: the page for trying out the API. It needs no network, because all its files are served here."""

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

router = APIRouter(include_in_schema=False)

ASSETS = "/static/vendor/swagger-ui"
CACHE_CONTROL = "public, max-age=300"


@router.get("/docs")
async def get_documentation(request: Request) -> Response:
    """The page for trying out the API."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=request.app.title,
        swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{ASSETS}/favicon-32x32.png",
        # otherwise it may send the description to a validator on the internet
        swagger_ui_parameters={"validatorUrl": None},
    )
    page.headers["Cache-Control"] = CACHE_CONTROL
    return page
