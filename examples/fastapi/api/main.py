"""A FastAPI application as a Lambda function: Mangum turns API Gateway events into ASGI requests and back."""

from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI(title="Lambs")
handler = Mangum(app)


class Lamb(BaseModel):
    name: str
    weight: float


@app.get("/lambs/{name}")
def read(name: str, fields: str = "all"):
    return {"name": name, "fields": fields}


@app.post("/lambs", status_code=201)
def create(lamb: Lamb, response: Response):
    response.headers["Location"] = f"/lambs/{quote(lamb.name)}"
    return lamb


@app.get("/visits")
def visits(request: Request, response: Response):
    """Counts one browser's visits, in a cookie."""
    count = int(request.cookies.get("visits", 0)) + 1
    response.set_cookie("visits", str(count))
    response.set_cookie("last", "here")
    return {"visits": count}


@app.post("/reverse")
async def reverse(request: Request):
    """Returns the request's bytes in reverse."""
    return Response((await request.body())[::-1], media_type="application/octet-stream")
