"""ServerInfo: which server this is, and as whom it knows the caller."""

import strawberry

from gateway.context import Info
from gateway.schema.enums import Right
from gateway.schema.event_inputs import ingest_field_names
from gateway.schema.fields import resolved, stored
from gateway.schema.scalars import DateTime
from gateway.version import VERSION
from storage.revisions import head_revision


@strawberry.type(description="A right that the caller holds.")
class Grant:
    """A right; the source of its fields is a GrantRecord."""

    namespace: str | None = stored("Where it holds; null: in all namespaces.")
    right: Right = stored("What it allows.")


@strawberry.type(description="Who asks.")
class Viewer:
    """Who asks; the source of its fields is a ViewerRecord."""

    name: str = stored("The name under which the server knows the caller.")
    home_namespace: str | None = stored("The namespace that counts where none is given.")
    grants: list[Grant] = stored("What the caller may do.")


def _viewer(info: Info) -> object:
    return info.context.viewer


@strawberry.type(description="Which server this is.")
class ServerInfo:
    """Which server this is."""

    version: str = stored("The gateway's version.")
    database_dialect: str = stored("The database that it stores in: mariadb or sqlite.")
    schema_revision: str = stored("The revision of the database's tables.")
    now: DateTime = stored("The gateway's clock.")
    ingest_fields: list[str] = stored("The fields of EventInput that this server takes.")
    viewer: Viewer = resolved(_viewer, "Who asks.")


def server_info(info: Info) -> ServerInfo:
    """Describe this server to its caller."""
    return ServerInfo(
        version=VERSION,
        database_dialect=info.context.database.dialect_name,
        schema_revision=head_revision(),
        now=DateTime(info.context.clock()),
        ingest_fields=list(ingest_field_names()),
    )
