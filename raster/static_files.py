"""Where static files lie: under names that tell their content, and compressed beforehand."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

SOURCE_MAP = "sourceMappingURL"


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Leaves the source maps alone that a packaged build names and does not bring."""

    patterns = tuple(
        (suffix, tuple(pattern for pattern in patterns if SOURCE_MAP not in str(pattern)))
        for suffix, patterns in CompressedManifestStaticFilesStorage.patterns
    )

    def read_manifest(self) -> str | None:
        """Return the list of collected files, or None where it cannot be read, as where nothing was collected."""
        try:
            manifest: str | None = super().read_manifest()
        except OSError:
            return None
        return manifest

    def stored_name(self, name: str) -> str:
        """Return the name of a collected file; of one that is not, its own: the page is served without the file."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            return name
        return stored
