"""Registries of types in the gateway: what the files declare that settings name."""

from gateway.settings import Settings, SettingsError
from mutations.type_files import TypeFileError, parse_source, read_types
from mutations.type_registry import DeclaredTypes


def declared_types(settings: Settings) -> DeclaredTypes:
    """Read every file of TIMELOOM_TYPE_REGISTRIES. Raises SettingsError, which names the file and the entry."""
    try:
        return read_types(map(parse_source, settings.type_registries))
    except TypeFileError as error:
        raise SettingsError(f"TIMELOOM_TYPE_REGISTRIES: {error}") from None
